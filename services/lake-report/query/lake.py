"""The lake: the tables that database-to-lake writes, and a place for reports.

    <lake>/<table>/_manifests/0000000007.json    the table's seventh state: names its files
    <lake>/_reports/<report>/latest.html         what this service writes

The manifest with the highest number is the table; files that it does not name are no part of it. An object is there
in full or not at all.

Takes LAKE_URL (`file:///…` or `s3://bucket/prefix`), gives manifests and ranges of bytes. Never reads Parquet (see
`files`), never writes into a table.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store
from pydantic import BaseModel, ConfigDict, ValidationError

from errors import LakeError
from texts import showable


class File(BaseModel):
    """A Parquet file of a table."""

    model_config = ConfigDict(frozen=True)

    path: str
    rows: int
    bytes: int


class Manifest(BaseModel):
    """One state of a table: what this service needs of it."""

    model_config = ConfigDict(frozen=True)

    number: int
    table: str
    source: str
    created: datetime
    arrow_schema: str
    files: tuple[File, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def told(self) -> Source:
        return Source(showable(self.table), showable(self.source), self.number, self.created, self.rows)

    @property
    def schema_message(self) -> bytes:
        """The table's columns as an Arrow IPC message."""
        return base64.b64decode(self.arrow_schema)


@dataclass(frozen=True)
class Source:
    """A state of a table, as people are told of it."""

    table: str
    source: str
    number: int
    created: datetime
    rows: int


class Lake:
    """A directory or a bucket's prefix. The methods raise `LakeError` where it does not answer as it should."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = _open(self.url)

    def current(self, table: str) -> Manifest | None:
        """The table's state, None where there is no such table."""
        with self._explained("list"):
            chunks = obstore.list(self._store, prefix=f"{_directory(table)}/_manifests")
            paths = sorted(str(entry["path"]) for chunk in chunks for entry in chunk)
        if not paths:
            return None
        with self._explained("read"):
            return Manifest.model_validate_json(bytes(obstore.get(self._store, paths[-1]).bytes()))

    def read(self, path: str, start: int, length: int) -> obstore.Bytes:
        """Some of an object's bytes."""
        with self._explained("read"):
            return obstore.get_range(self._store, path, start=start, length=length)

    def put(self, path: str, content: bytes, media_type: str) -> None:
        """Writes an object, in place of the one that may be there."""
        # A directory keeps no media types, and obstore refuses them there.
        attributes = None if isinstance(self._store, LocalStore) else {"Content-Type": media_type}
        with self._explained("write"):
            obstore.put(self._store, path, content, attributes=attributes)

    def address(self, path: str) -> str:
        """Where a browser finds an object: below LAKE_WEB_URL, else in the AWS console, else on this machine's disk."""
        web, parts = os.environ.get("LAKE_WEB_URL"), urlsplit(self.url)
        if web:
            return f"{web.rstrip('/')}/{quote(path)}"
        if parts.scheme == "s3":
            key = f"{parts.path.strip('/')}/{path}".lstrip("/")
            region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
            return f"https://{region}.console.aws.amazon.com/s3/object/{parts.netloc}?prefix={quote(key)}"
        return f"{self.url}/{quote(path)}"

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except ValidationError as exc:
            raise LakeError(f"a manifest in the lake {self.url} is not one that this service can read: {exc}") from exc
        except (BaseError, OSError, ValueError) as exc:
            raise LakeError(f"cannot {what} the lake {self.url}: {' '.join(str(exc).split())[:400]}") from exc


def _directory(table: str) -> str:
    # As database-to-lake names it: `quote` leaves dots, and a name may be "..".
    return quote(table, safe=" ").replace(".", "%2E", 1) if table.startswith(".") else quote(table, safe=" ")


def _open(url: str) -> ObjectStore:
    parts = urlsplit(url)
    try:
        if parts.scheme == "file" and parts.path:
            Path(unquote(parts.path)).mkdir(parents=True, exist_ok=True)
            return LocalStore(prefix=unquote(parts.path))
        if parts.scheme == "s3" and parts.netloc and "@" not in parts.netloc:
            return _open_s3(parts.netloc, parts.path.strip("/"))
    except (BaseError, OSError, ValueError) as exc:
        raise LakeError(f"cannot open the lake {url}: {' '.join(str(exc).split())[:400]}") from exc
    found = "of another form" if url else "not set"
    raise LakeError(f"LAKE_URL is {found}; it must be file:///directory or s3://bucket/prefix")


def _open_s3(bucket: str, prefix: str) -> S3Store:
    # Here, because boto3 takes half a second to import and local lakes need none.
    from obstore.auth.boto3 import Boto3CredentialProvider

    # boto3 finds credentials wherever AWS keeps them: a task's role, a profile, the environment.
    options: dict[str, Any] = {"client_options": {"allow_http": "AWS_ENDPOINT_URL" in os.environ}}
    return S3Store(bucket, prefix=prefix or None, credential_provider=Boto3CredentialProvider(), **options)
