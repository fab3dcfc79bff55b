"""The lake: where tables lie as Parquet files, and which files are a table's current state.

    <lake>/<table>/_manifests/0000000007.json                          the table's seventh state: names its files
    <lake>/<table>/time_hour_month=2013-01/part-<content>-<random>.parquet

The manifest with the highest number is the table. It is written last and only if its number is not taken yet, so
readers see all of a run's rows or none, and of two runs one wins. Files that no manifest names belong to runs that were
cut off.

Takes LAKE_URL (`file:///…` or `s3://bucket/prefix`), gives manifests and rows. Never writes Parquet (see `parquet`).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store
from pydantic import BaseModel, ConfigDict

from errors import LakeError, LostRaceError, scrubbed, without_secrets
from lake.schemas import conform

#: What no manifest names is removed when it is older than this; no run may take longer.
RETENTION = timedelta(days=1)
_LONGEST_RUN = RETENTION / 2
_READ_ROWS = 16_384


class File(BaseModel):
    """A Parquet file of a table."""

    model_config = ConfigDict(frozen=True)

    path: str
    partition: str
    sha256: str
    rows: int
    bytes: int
    #: Whether its rows have the newest cursor value, to which the source may still add rows.
    newest: bool = False


class Manifest(BaseModel):
    """One state of a table."""

    model_config = ConfigDict(frozen=True)

    number: int
    table: str
    source: str
    created: datetime
    run: str
    arrow_schema: str
    partition: str | None
    cursor: str | None
    watermark: int | float | str | None
    files: tuple[File, ...]

    @property
    def schema(self) -> pa.Schema:
        return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(self.arrow_schema)))

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


def encoded(schema: pa.Schema) -> str:
    """A schema as `Manifest.arrow_schema` keeps it."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


class Lake:
    """A directory or a bucket's prefix. The methods raise `LakeError` where it does not answer as it should."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = _open(self.url)

    def current(self, table: str) -> Manifest | None:
        """The table's state, None where there is no such table."""
        names = sorted(name for name, _ in self._list(f"{_directory(table)}/_manifests"))
        return Manifest.model_validate_json(self._get(names[-1])) if names else None

    def commit(self, manifest: Manifest, started: datetime) -> None:
        """Makes a manifest the table's state, if the one it follows still is."""
        if datetime.now(UTC) - started > _LONGEST_RUN:
            raise LakeError(f"this run has taken longer than {_LONGEST_RUN}, after which its files might be cleaned up")
        body = manifest.model_dump_json(indent=1).encode()
        try:
            with self._explained("write"):
                obstore.put(self._store, _manifest_path(manifest.table, manifest.number), body, mode="create")
        except AlreadyExistsError:
            self._lost(manifest)

    def _lost(self, manifest: Manifest) -> None:
        # A reply that was lost makes the store's client send the request again, which then meets its own manifest.
        winner = Manifest.model_validate_json(self._get(_manifest_path(manifest.table, manifest.number)))
        if winner != manifest:
            raise LostRaceError(
                f"another run ({winner.run}) committed {manifest.table} at {winner.created:%H:%M:%S} UTC while this one"
                " was copying; nothing of this one is in the lake. Run it again: it copies what the other one did not"
            )

    def upload(self, path: str, file: Path) -> None:
        """Copies a local file to the lake; its parts are sent a few at a time, to bound memory."""
        with self._explained("write"):
            obstore.put(self._store, path, file, max_concurrency=4)

    def delete(self, paths: list[str]) -> None:
        """Removes objects; such that are gone already do not matter."""
        with self._explained("delete in"):
            for path in paths:
                try:
                    obstore.delete(self._store, path)
                except FileNotFoundError:
                    continue

    def tidy(self, table: str, now: datetime) -> int:
        """Removes what no manifest of the last day names, if it is older than a day. Gives how many files that were."""
        manifests = self.manifests(table)
        followed = [manifest.created for manifest in manifests[1:]] + [now]
        # A reader may have begun with a state just before it was followed by another.
        kept = [one for one, end in zip(manifests, followed, strict=True) if now - end <= RETENTION]
        needed = {_manifest_path(table, manifest.number) for manifest in kept}
        needed |= {file.path for manifest in kept for file in manifest.files}
        everything = self._list(_directory(table))
        removable = [path for path, changed in everything if path not in needed and now - changed > RETENTION]
        self.delete(removable)
        return sum(path.endswith(".parquet") for path in removable)

    def batches(self, files: Iterable[File], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of some files of a table, in a schema that holds theirs."""
        for file in files:
            with self._explained("read"):
                # In one piece: files are bounded in size, and it is the small ones that are read here.
                parquet = pq.ParquetFile(pa.BufferReader(self._get(file.path)))
            for batch in parquet.iter_batches(batch_size=_READ_ROWS):
                yield conform(batch, schema)

    def read(self, table: str) -> pa.Table:
        """All rows of a table."""
        manifest = self.current(table)
        if manifest is None:
            raise LakeError(f"the lake {without_secrets(self.url)} has no table {table}")
        return pa.Table.from_batches(self.batches(manifest.files, manifest.schema), schema=manifest.schema)

    def tables(self) -> list[str]:
        """The names of the tables there are."""
        with self._explained("read"):
            prefixes = obstore.list_with_delimiter(self._store)["common_prefixes"]
        return sorted(unquote(prefix) for prefix in prefixes)

    def manifests(self, table: str) -> list[Manifest]:
        """The table's states that are still kept, the current one last."""
        paths = sorted(path for path, _ in self._list(f"{_directory(table)}/_manifests"))
        return [Manifest.model_validate_json(self._get(path)) for path in paths]

    def _list(self, prefix: str) -> list[tuple[str, datetime]]:
        with self._explained("list"):
            chunks = obstore.list(self._store, prefix=prefix)
            return [(str(entry["path"]), entry["last_modified"]) for chunk in chunks for entry in chunk]

    def _get(self, path: str) -> bytes:
        with self._explained("read"):
            return bytes(obstore.get(self._store, path).bytes())

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except AlreadyExistsError:
            raise
        except (BaseError, OSError, ValueError) as exc:
            reason = scrubbed(str(exc), self.url)[:400]
            raise LakeError(f"cannot {what} the lake {without_secrets(self.url)}: {reason}") from exc


def data_path(table: str, partition: str, name: str) -> str:
    """Where a table's file lies; the partition is "" for a table without one."""
    return "/".join(part for part in (_directory(table), partition, name) if part)


def _manifest_path(table: str, number: int) -> str:
    return f"{_directory(table)}/_manifests/{number:010}.json"


def _directory(table: str) -> str:
    # `quote` leaves dots, and a name may be "..".
    return quote(table, safe=" ").replace(".", "%2E", 1) if table.startswith(".") else quote(table, safe=" ")


def _open(url: str) -> ObjectStore:
    parts = urlsplit(url)
    try:
        if parts.scheme == "file" and parts.path:
            Path(unquote(parts.path)).mkdir(parents=True, exist_ok=True)
            return LocalStore(prefix=unquote(parts.path))
        if parts.scheme == "s3" and parts.netloc:
            return _open_s3(parts.netloc, parts.path.strip("/"))
    except (BaseError, OSError, ValueError) as exc:
        raise LakeError(f"cannot open the lake {without_secrets(url)}: {scrubbed(str(exc), url)}") from exc
    shown = without_secrets(url) if url else "not set"
    raise LakeError(f"LAKE_URL is {shown}; it must be file:///directory or s3://bucket/prefix")


def _open_s3(bucket: str, prefix: str) -> S3Store:
    # Here, because boto3 takes half a second to import and local lakes need none.
    from obstore.auth.boto3 import Boto3CredentialProvider

    # boto3 finds credentials wherever AWS keeps them: a task's role, a profile, the environment.
    options: dict[str, Any] = {"client_options": {"allow_http": "AWS_ENDPOINT_URL" in os.environ}}
    return S3Store(bucket, prefix=prefix or None, credential_provider=Boto3CredentialProvider(), **options)
