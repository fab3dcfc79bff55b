"""Answers that no SQL gave, for what is made of answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from query.answers import Answer, answer
from query.report import Header, Query

EVIL = "<script>alert('x')</script> & \"co\" </svg>"


def answered(chart: str, names: str, rows: list[tuple[Any, ...]], **keys: Any) -> Answer:
    roles = {"bars": {"x": "n", "y": "name"}, "columns": {"x": "name", "y": "n"}, "lines": {"x": "name", "y": "n"}}
    header = Header.model_validate({"title": "Title", "chart": chart, **roles.get(chart, {}), **keys})
    return answer(Query(Path("a.sql"), header, "SELECT 1", 1, ""), tuple(names.split()), rows)
