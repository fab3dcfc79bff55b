"""The services that the repository declares, as a table or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from tools.model.service import Service


def services_table(services: Sequence[Service]) -> Table:
    """The services that the repository declares."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("flow", "entrypoint", "deployments", "description"):
        table.add_column(column, overflow="fold")
    for item in services:
        declared = item.declaration
        names = ", ".join(deployment.name for deployment in declared.deployments) or "none"
        table.add_row(item.name, declared.docker_storage.entrypoint, names, escape(declared.description))
    return table


def services_json(services: Sequence[Service]) -> list[dict[str, Any]]:
    """The services for machines: a CI matrix is made of this."""
    return [
        {
            "name": item.name,
            "path": f"services/{item.name}",
            "description": item.declaration.description,
            "owner": item.declaration.owner,
            "entrypoint": item.declaration.docker_storage.entrypoint,
            "platform": item.declaration.docker_storage.platform,
            "deployments": [deployment.name for deployment in item.declaration.deployments],
        }
        for item in services
    ]
