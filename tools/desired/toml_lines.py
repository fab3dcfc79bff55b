"""Where each key of a TOML text stands.

Takes a text that tomllib has read already, gives the line of each key and array item by its path. tomllib keeps no
lines, and an error without its line makes people search.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

#: Keys and places in arrays, from the top of the document.
Location = tuple[str | int, ...]

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_KEY = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+""")
_SCALAR = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""+|\'\'\'.*?\'\'\'+|"(?:[^"\\]|\\.)*"|'[^']*'|[^,\]}\n#]+''',
    re.DOTALL,
)


def lines(text: str) -> dict[Location, int]:
    """The line of each key and item, counted from 1."""
    return _Scan(text).found


class _Scan:
    """Walks over a text once. It may rely on the text being TOML."""

    def __init__(self, text: str) -> None:
        self.found: dict[Location, int] = {}
        self._text, self._at = text, 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._last: dict[Location, int] = {}  # of each array of tables
        table: Location = ()
        while self._next():
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _next(self) -> str:
        """The next sign that says something; nothing at the end."""
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        self._next()
        match = pattern.match(self._text, self._at)
        if match is None:
            raise AssertionError(f"not TOML at {self._at}: {self._text[self._at : self._at + 40]!r}")
        self._at = match.end()
        return match[0]

    def _note(self, path: Location, at: int) -> None:
        self.found.setdefault(path, bisect_right(self._ends, at - 1) + 1)

    def _key(self) -> list[str]:
        parts = []
        while True:
            part = self._take(_KEY)
            parts.append(str(tomllib.loads(f"key = {part}")["key"]) if part[0] in "\"'" else part)
            if self._next() != ".":
                return parts
            self._at += 1

    def _header(self) -> Location:
        start = self._at
        brackets = 2 if self._text.startswith("[[", start) else 1
        self._at += brackets
        *parents, name = self._key()
        self._at += brackets
        path: Location = ()
        for part in parents:
            path = (*path, part)
            self._note(path, start)
            path = (*path, self._last[path]) if path in self._last else path
        path = (*path, name)
        if brackets == 2:
            self._note(path, start)
            self._last[path] = self._last.get(path, -1) + 1
            path = (*path, self._last[path])
        self._note(path, start)
        return path

    def _pair(self, table: Location) -> None:
        self._next()
        start = self._at
        path = (*table, *self._key())
        for depth in range(len(table) + 1, len(path) + 1):
            self._note(path[:depth], start)
        self._at += 1  # the =
        self._value(path)

    def _value(self, path: Location) -> None:
        sign = self._next()
        if sign == "[":
            self._at += 1
            index = 0
            while self._next() != "]":
                self._note((*path, index), self._at)
                self._value((*path, index))
                self._comma()
                index += 1
            self._at += 1
        elif sign == "{":
            self._at += 1
            while self._next() != "}":
                self._pair(path)
                self._comma()
            self._at += 1
        else:
            self._take(_SCALAR)

    def _comma(self) -> None:
        if self._next() == ",":
            self._at += 1
