"""What a table of the lake is: Parquet files, and which of them are its current state.

    <lake>/<table>/_manifests/0000000007.json                          the table's seventh state: names its files
    <lake>/<table>/time_hour_month=2013-01/part-<content>-<random>.parquet

The manifest with the highest number is the table. It is written last and only if its number is not taken yet, so
readers see all of a run's rows or none, and of two runs one wins. Files that no manifest names belong to runs that were
cut off.

Takes a `Store` and a table's name, gives manifests and rows. Never writes Parquet (see `parquet`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from errors import LakeError, LostRaceError, without_secrets
from lake.schemas import conform
from lake.store import Store

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


class Table:
    """A table, which need not be there yet. What the lake refuses is a `LakeError`."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        self._directory = _directory(name)

    @property
    def address(self) -> str:
        """Where it lies, to be shown."""
        return f"{without_secrets(self.store.url)}/{self._directory}"

    def path(self, partition: str, name: str) -> str:
        """Where a file of it lies; the partition is "" where a table has none."""
        return "/".join(part for part in (self._directory, partition, name) if part)

    def current(self) -> Manifest | None:
        """Its state, None where there is no such table."""
        paths = self._manifest_paths()
        return self._manifest(paths[-1]) if paths else None

    def manifests(self) -> list[Manifest]:
        """Its states that are still kept, the current one last."""
        return [self._manifest(path) for path in self._manifest_paths()]

    def commit(self, manifest: Manifest, started: datetime) -> None:
        """Makes a manifest the table's state, if the one it follows still is."""
        if datetime.now(UTC) - started > _LONGEST_RUN:
            raise LakeError(f"this run has taken longer than {_LONGEST_RUN}, after which its files might be cleaned up")
        if not self.store.create(self._manifest_path(manifest.number), manifest.model_dump_json(indent=1).encode()):
            self._check_won(manifest)

    def tidy(self, now: datetime) -> int:
        """Removes what no manifest of the last day names, if it is older than a day. Gives how many files that were."""
        manifests = self.manifests()
        followed = [manifest.created for manifest in manifests[1:]] + [now]
        # A reader may have begun with a state just before it was followed by another.
        kept = [one for one, end in zip(manifests, followed, strict=True) if now - end <= RETENTION]
        needed = {self._manifest_path(manifest.number) for manifest in kept}
        needed |= {file.path for manifest in kept for file in manifest.files}
        everything = self.store.listed(self._directory)
        removable = [path for path, changed in everything if path not in needed and now - changed > RETENTION]
        self.store.delete(removable)
        return sum(path.endswith(".parquet") for path in removable)

    def batches(self, files: Iterable[File], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of some of its files, in a schema that holds theirs."""
        for file in files:
            # In one piece: files are bounded in size, and it is the small ones that are read here.
            content = pa.BufferReader(self.store.get(file.path))
            with self.store.explained("read"):
                parquet = pq.ParquetFile(content)
            for batch in parquet.iter_batches(batch_size=_READ_ROWS):
                yield conform(batch, schema)

    def read(self) -> pa.Table:
        """All its rows."""
        manifest = self.current()
        if manifest is None:
            raise LakeError(f"the lake {without_secrets(self.store.url)} has no table {self.name}")
        return pa.Table.from_batches(self.batches(manifest.files, manifest.schema), schema=manifest.schema)

    def _check_won(self, manifest: Manifest) -> None:
        # A reply that was lost makes the store's client send the request again, which then meets its own manifest.
        winner = self._manifest(self._manifest_path(manifest.number))
        if winner != manifest:
            raise LostRaceError(
                f"another run ({winner.run}) committed {self.name} at {winner.created:%H:%M:%S} UTC while this one"
                " was copying; nothing of this one is in the lake. Run it again: it copies what the other one did not"
            )

    def _manifest(self, path: str) -> Manifest:
        return Manifest.model_validate_json(self.store.get(path))

    def _manifest_path(self, number: int) -> str:
        return f"{self._directory}/_manifests/{number:010}.json"

    def _manifest_paths(self) -> list[str]:
        return sorted(path for path, _ in self.store.listed(f"{self._directory}/_manifests"))


def table_names(store: Store) -> list[str]:
    """The names of the tables there are."""
    return sorted(unquote(name) for name in store.directories())


def _directory(table: str) -> str:
    # `quote` leaves dots, and a name may be "..".
    return quote(table, safe=" ").replace(".", "%2E", 1) if table.startswith(".") else quote(table, safe=" ")
