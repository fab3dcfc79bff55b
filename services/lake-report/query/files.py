"""The Parquet files of tables of the lake, as DuckDB reads them: only the ranges of bytes that it asks for.

Takes a lake and manifests, gives a file system of fsspec's kind. Never lists, never writes.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import obstore
from fsspec import AbstractFileSystem

from errors import LakeError
from query.lake import File, Lake, Manifest


class LakeFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec brings no types
    """The files of some manifests, for DuckDB: `lake://<path>`. Their sizes are known, so nothing is asked for twice.

    DuckDB wraps whatever is raised here into a text of its own; `failure` keeps the original.
    """

    protocol = "lake"
    cachable = False  # fsspec would give the instance of another lake

    def __init__(self, lake: Lake, manifests: list[Manifest]) -> None:
        super().__init__()
        self.failure: LakeError | MemoryError | None = None
        self._lake = lake
        self._files = {self.name(file): (file, manifest) for manifest in manifests for file in manifest.files}

    @staticmethod
    def name(file: File) -> str:
        """What a file is called in SQL."""
        return f"lake://{file.path}"

    @property
    def names(self) -> list[str]:
        return list(self._files)

    def open(self, path: str, mode: str = "rb", **_: Any) -> io.RawIOBase:
        if mode != "rb":
            raise PermissionError(f"{path} is only for reading")
        return _Ranges(self, self._files[path][0])

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        return {"name": path, "size": self._files[path][0].bytes, "type": "file"}

    def modified(self, path: str) -> datetime:
        # A path is never written a second time; DuckDB caches by this.
        return self._files[path][1].created

    def exists(self, path: str, **_: Any) -> bool:
        return path in self._files

    def isfile(self, path: str) -> bool:
        return path in self._files

    def glob(self, path: str, **_: Any) -> list[str]:
        return [path] if path in self._files else []

    def read(self, file: File, start: int, length: int) -> obstore.Bytes:
        """Some of a file's bytes."""
        try:
            return self._lake.read(file.path, start, length)
        except (LakeError, MemoryError) as exc:
            self.failure = exc
            raise


class _Ranges(io.RawIOBase):
    """A file of which only those bytes are fetched that are read."""

    def __init__(self, files: LakeFiles, file: File) -> None:
        super().__init__()
        self._files, self._file, self._at = files, file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.bytes}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(self._file.bytes - self._at, 0)
        length = left if size < 0 else min(size, left)
        if not length:
            return b""
        content = bytes(self._files.read(self._file, self._at, length))
        self._at += len(content)
        return content
