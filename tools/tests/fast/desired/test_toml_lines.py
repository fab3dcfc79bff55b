"""Every key of a TOML text has its line, however the text is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.desired.toml_lines import Location, lines

ROWS: dict[str, tuple[str, dict[Location, int]]] = {
    "keys": ("a = 1\n\n# c = 2\nb = 2", {("a",): 1, ("b",): 4}),
    "quoted keys": ('"a.b" = 1\n\'c d\' = 2\n"\\u0065" = 3', {("a.b",): 1, ("c d",): 2, ("e",): 3}),
    "dotted keys": ("a . b.c = 1\n", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1}),
    "a table": ("[a.b] # c\nd = 1\n", {("a",): 1, ("a", "b"): 1, ("a", "b", "d"): 2}),
    "arrays of tables": (
        "[[a]]\n[[a]]\nb = 1\n[[a.c]]\nd = 1\n[[a.c]]\nd = 2\n[a.e]\nf = 1\n",
        {
            ("a",): 1,
            ("a", 0): 1,
            ("a", 1): 2,
            ("a", 1, "b"): 3,
            ("a", 1, "c"): 4,
            ("a", 1, "c", 0): 4,
            ("a", 1, "c", 0, "d"): 5,
            ("a", 1, "c", 1): 6,
            ("a", 1, "c", 1, "d"): 7,
            ("a", 1, "e"): 8,
            ("a", 1, "e", "f"): 9,
        },
    ),
    "an array over several lines": (
        "a = [\n  1, # one\n  [2,\n   3],\n]\n",
        {("a",): 1, ("a", 0): 2, ("a", 1): 3, ("a", 1, 0): 3, ("a", 1, 1): 4},
    ),
    "inline tables in an array": (
        "a = [\n  { b = 1 },\n  { b = 2, c.d = 3 },\n]\n",
        {
            ("a",): 1,
            ("a", 0): 2,
            ("a", 0, "b"): 2,
            ("a", 1): 3,
            ("a", 1, "b"): 3,
            ("a", 1, "c"): 3,
            ("a", 1, "c", "d"): 3,
        },
    ),
    "text that looks like keys": (
        "a = \"\"\"\n[b]\nc = 1\n\"\"\"\nd = '''\n]'''''\ne = \"#\"\n",
        {("a",): 1, ("d",): 5, ("e",): 7},
    ),
    "text with quotes": ('a = "\\"b\\\\"\nb = """x\\"""y"""""\nc = \'\'\n', {("a",): 1, ("b",): 2, ("c",): 3}),
    "dates and numbers": (
        "a = 2026-01-01 06:00:00Z # d\nb = [inf, -1_0.5e3]\n",
        {("a",): 1, ("b",): 2, ("b", 0): 2, ("b", 1): 2},
    ),
    "nothing": ("# nothing\n", {}),
}


@pytest.mark.parametrize(("text", "expected"), ROWS.values(), ids=ROWS)
def test_each_key_has_its_line(text: str, expected: dict[Location, int]) -> None:
    tomllib.loads(text)

    assert lines(text) == expected


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)} = {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"\n{written(item)}," for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08x}" if sign in '\\"' or ord(sign) < 32 else sign for sign in value) + '"'
    return str(value)


def paths(value: Any, path: Location = ()) -> set[Location]:
    """The paths of everything in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {found for key, item in items for found in ({(*path, key)} | paths(item, (*path, key)))}


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=8)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-99, 99), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_whatever_tomllib_reads_has_lines(value: dict[str, Any]) -> None:
    text = "".join(
        f"{written(key)} = {written(item).replace(chr(10), '') if isinstance(item, dict) else written(item)}\n"
        for key, item in value.items()
    )
    raw = tomllib.loads(text)

    assert set(lines(text)) == paths(raw)
