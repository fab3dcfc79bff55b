"""What can go wrong for reasons outside this service's code: the text is all that a reader of the run's log needs.

ReportError
|-- DefinitionError     a file of the report: its header, its SQL, or columns that do not fit the chart
|-- MissingTablesError  tables that the report reads and the lake does not have
`-- LakeError           the lake: not reachable, not readable or writable, an object that a manifest names is gone
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from texts import showable


class ReportError(Exception):
    """A run that cannot go on. Its text is one message without secrets, and all that it is made of."""

    def __init__(self, message: str) -> None:
        super().__init__(showable(message))


class DefinitionError(ReportError):
    """A file of the report is not as it must be."""

    @classmethod
    def at(cls, file: Path, line: int, reason: str) -> Self:
        """Begins with the file, relative to the service, and the line."""
        return cls(f"{file}:{line}: {reason}")


class MissingTablesError(ReportError):
    """The lake lacks tables that the report reads."""

    @classmethod
    def of(cls, names: list[str], lake: str, environment: str | None) -> Self:
        """Names all of them, with the commands that bring them."""
        named = f"the table {names[0]}" if len(names) == 1 else f"the tables {', '.join(names)}"
        commands = "".join(f"\n  {_load(name, environment)}" for name in names)
        return cls(f"the lake {lake} does not have {named}, which this report reads. Bring them with{commands}")


def _load(table: str, environment: str | None) -> str:
    """The command that copies a table to the lake of an environment, or of this machine where there is none."""
    if environment is None:
        return f"""make run-flow NAME=database-to-lake PARAMS='{{"table": "{table}"}}'"""
    # The deployment's own cursor is a column of its own table.
    parameters = f"""PARAMS='{{"table": "{table}", "cursor": null}}'"""
    return f"make trigger-flow NAME=database-to-lake ENVIRONMENT={environment} {parameters}"


class LakeError(ReportError):
    """The lake does not take or give what was asked for."""
