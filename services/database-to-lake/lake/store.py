"""Where the lake's files lie: in a directory, or below a prefix of a bucket.

Takes LAKE_URL (`file:///…` or `s3://bucket/prefix`) and paths below it, gives and takes their content. Knows nothing of
tables. Whatever the disk or S3 refuses is a `LakeError` without secrets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from errors import LakeError, scrubbed, without_secrets


class Store:
    """A directory or a bucket's prefix."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = _open(self.url)

    def listed(self, prefix: str) -> list[tuple[str, datetime]]:
        """The paths below a directory, "" for all, and when each was written."""
        with self.explained("list"):
            chunks = obstore.list(self._store, prefix=prefix)
            return [(str(entry["path"]), entry["last_modified"]) for chunk in chunks for entry in chunk]

    def directories(self) -> list[str]:
        """The names of the directories at the top."""
        with self.explained("read"):
            return list(obstore.list_with_delimiter(self._store)["common_prefixes"])

    def get(self, path: str) -> bytes:
        """A file's content."""
        with self.explained("read"):
            return bytes(obstore.get(self._store, path).bytes())

    def create(self, path: str, content: bytes) -> bool:
        """Writes a file if there is none of that name; gives whether there was none. Of two at once one writes it."""
        with self.explained("write"):
            try:
                obstore.put(self._store, path, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def upload(self, path: str, file: Path) -> None:
        """Copies a local file to the lake; its parts are sent a few at a time, to bound memory."""
        with self.explained("write"):
            obstore.put(self._store, path, file, max_concurrency=4)

    def delete(self, paths: list[str]) -> None:
        """Removes files; such that are gone already do not matter."""
        with self.explained("delete in"):
            for path in paths:
                try:
                    obstore.delete(self._store, path)
                except FileNotFoundError:
                    continue

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Raises what goes wrong meanwhile as a `LakeError` that says what cannot be done with the lake."""
        try:
            yield
        except (BaseError, OSError, ValueError) as exc:
            reason = scrubbed(str(exc), self.url)[:400]
            raise LakeError(f"cannot {what} the lake {without_secrets(self.url)}: {reason}") from exc


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
    http = "AWS_ENDPOINT_URL" in os.environ
    return S3Store(
        bucket,
        prefix=prefix or None,
        credential_provider=Boto3CredentialProvider(),
        client_options={"allow_http": http},
    )
