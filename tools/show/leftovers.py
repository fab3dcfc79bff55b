"""What a prune would delete, or has deleted, as text or JSON. Formats; decides nothing."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tools.plan.prune import KEPT_RELEASES, Leftovers


def leftovers_text(found: Leftovers, environment: str, *, removed: bool) -> Group:
    """What nothing needs any more, a line each with the reason, and what to do."""
    if not found:
        return Group(Text(f"Nothing to prune in {environment}: all that is there is declared or kept."))
    rows = Table.grid(padding=(0, 2))
    verb = "deleted" if removed else "delete"
    for deployment in found.deployments:
        rows.add_row(f"[red]{verb}[/]", "deployment", escape(deployment.full_name), "no longer declared")
    for release in found.releases:
        older = f"older than the last {KEPT_RELEASES}, and not live"
        rows.add_row(f"[red]{verb}[/]", "release", f"{release.family}:{release.revision}", older)
    for image in found.images:
        size = f"no kept release refers to it ({image.size / 1e6:.0f} MB, of {image.pushed_at:%Y-%m-%d})"
        rows.add_row(f"[red]{verb}[/]", "image", f"{image.repository}:{','.join(image.tags)}", size)
    counts = (
        f"{environment}: {_count(found.deployments, 'deployment')}, {_count(found.releases, 'release')}, "
        f"{_count(found.images, 'image')} ({sum(image.size for image in found.images) / 1e6:.0f} MB)"
    )
    said = f"{counts} deleted" if removed else f"{counts}; nothing was deleted yet: make prune YES=1"
    return Group(rows, Text(""), Text(said, style="bold"))


def _count(found: Sized, what: str) -> str:
    return f"{len(found)} {what}" if len(found) == 1 else f"{len(found)} {what}s"


def leftovers_json(found: Leftovers, *, removed: bool) -> dict[str, Any]:
    """What nothing needs any more, for machines."""
    return {
        "deleted": removed,
        "deployments": [deployment.full_name for deployment in found.deployments],
        "releases": [release.arn for release in found.releases],
        "images": [f"{image.repository}@{image.digest}" for image in found.images],
    }
