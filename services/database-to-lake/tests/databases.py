"""What a test has of a database: its URL, and a way to fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Database:
    """`execute` takes a statement, and where it is to be executed for each of many, a list of their parameters."""

    url: str
    execute: Callable[..., None]
