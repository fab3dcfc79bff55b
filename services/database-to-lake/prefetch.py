"""Reads ahead: the source works while the lake's files are written.

Takes an iterator, gives the same items; the next one is fetched in a thread while the last one is in use.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")

_END = object()


def prefetched(items: Generator[T]) -> Generator[T]:
    """The items, one of them ahead. The thread has ended when this generator has."""
    with closing(items), ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        ahead = reader.submit(next, items, _END)
        while (item := ahead.result()) is not _END:
            ahead = reader.submit(next, items, _END)
            yield item  # type: ignore[misc]  # what is not the end is an item
