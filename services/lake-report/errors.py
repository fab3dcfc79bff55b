"""What can go wrong for reasons outside this service's code: the text is all that a reader of the run's log needs.

ReportError
|-- DefinitionError     a file of the report: its header, its SQL, or columns that do not fit the chart
|-- MissingTablesError  tables that the report reads and the lake does not have
`-- LakeError           the lake: not reachable, not readable or writable, an object that a manifest names is gone
"""

from __future__ import annotations

from pathlib import Path


class ReportError(Exception):
    """A run that cannot go on. Its text is one message without secrets."""


class DefinitionError(ReportError):
    """A file of the report is not as it must be. Begins with the file, relative to the service, and the line."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")


class MissingTablesError(ReportError):
    """The lake lacks tables that the report reads."""

    def __init__(self, names: list[str], lake: str) -> None:
        commands = [f"""make run-flow NAME=database-to-lake PARAMS='{{"table": "{name}"}}'""" for name in names]
        named = f"the table {names[0]}" if len(names) == 1 else f"the tables {', '.join(names)}"
        super().__init__(
            f"the lake {lake} does not have {named}, which this report reads. Bring them with\n  "
            + "\n  ".join(commands)
            + "\nor, in an environment, with the same after make trigger-flow"
        )


class LakeError(ReportError):
    """The lake does not take or give what was asked for."""
