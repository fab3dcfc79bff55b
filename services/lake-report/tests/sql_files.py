"""Reports that the tests write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

#: Writes a report of these SQL files, each by its name, and gives the directory of all reports.
MakeReport = Callable[..., Path]


def sql(select: str, chart: str = "bars", keys: str = 'x = "n"\ny = "name"') -> str:
    """A SQL file. Of a chart of bars, the SELECT stands on line 7."""
    return f'/*\ntitle = "Title"\nchart = "{chart}"\n{keys}\n*/\n{select}\n'
