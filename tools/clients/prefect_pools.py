"""Work pools and blocks in the Prefect API. Of a work pool only the job template is ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from tools.clients.prefect_http import Http
from tools.errors import RemoteError
from tools.model.prefect import Block, WorkPool


class PrefectPools(Http):
    """The work pools and blocks of a Prefect API."""

    def pool(self, name: str) -> WorkPool | None:
        """The work pool of a name; None where there is none."""

        def read(item: Any) -> WorkPool:
            return WorkPool(name=name, type=item["type"], base_job_template=item["base_job_template"])

        found: WorkPool | None = self.call("GET", _pool_path(name), read=read, gone_is_done=True)
        return found

    def create_pool(self, pool: WorkPool) -> bool:
        """Creates a work pool; False where the name is taken, be it by an earlier try of this very request."""
        body = {**pool.model_dump(), "description": "Runs flows as ECS tasks"}
        return self.answer("POST", "/work_pools/", body, expected=(requests.codes.conflict,)).ok

    def change_template(self, name: str, template: Mapping[str, Any]) -> None:
        """Changes the job template of a work pool, and nothing else of it."""
        self.call("PATCH", _pool_path(name), {"base_job_template": template})

    def block(self, type_: str, name: str) -> Block | None:
        """The block of a name, without what is secret in it; None where there is none.

        Args:
            type_: the slug of its block type.
            name: its name.
        """

        def read(item: Any) -> Block:
            return Block(id=item["id"], type=type_, name=name, data=item["data"])

        path = f"/block_types/slug/{type_}/block_documents/name/{name}"
        found: Block | None = self.call("GET", path, read=read, gone_is_done=True)
        return found

    def create_block(self, block: Block) -> bool:
        """Creates a block by the newest schema that the server has of its type; False where the name is taken.

        Any schema of the type will do: whoever loads the block reads its values by the schema of its own version.

        Raises:
            RemoteError: the server does not know the type.
        """
        path = f"/block_types/slug/{block.type}"
        kind = self.call("GET", path, read=_id, gone_is_done=True)
        if kind is None:
            raise RemoteError(
                f"Prefect at {self.url} has no block type {block.type} (404)",
                "make it known: prefect block register -m prefect_aws, with this address as PREFECT_API_URL",
            )
        newest = {"block_schemas": {"block_type_id": {"any_": [kind]}}, "limit": 1}
        schema = self.call("POST", "/block_schemas/filter", newest, read=lambda found: _schema(found, kind))
        body = {"name": block.name, "data": block.data, "block_type_id": kind, "block_schema_id": schema}
        return self.answer("POST", "/block_documents/", body, expected=(requests.codes.conflict,)).ok

    def change_block(self, block_id: str, data: Mapping[str, Any]) -> None:
        """Changes values of a block; those that are not named stay."""
        self.call("PATCH", f"/block_documents/{block_id}", {"data": data})


def _pool_path(name: str) -> str:
    return f"/work_pools/{quote(name, safe='')}"


def _schema(found: Any, kind: str) -> str:
    """The id of the first of a list of schemas, which must be of the type that was asked for."""
    if found[0]["block_type_id"] != kind:
        raise ValueError("a schema of another type")
    return _id(found[0])


def _id(item: Any) -> str:
    if not isinstance(item["id"], str):
        raise TypeError("no id")
    return item["id"]
