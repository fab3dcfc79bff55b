"""Two JSON values are told apart, and what differs is told in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.model.differences import differences, same, shown

ROWS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "nothing": ({"a": 1}, {"a": 1}, []),
    "a value": ({"a": 1}, {"a": 2}, ["a 1 → 2"]),
    "text is plain": ({"a": "x y"}, {"a": ""}, ["a x y → none"]),
    "true is not 1": ({"a": 1}, {"a": True}, ["a 1 → True"]),
    "1.0 is 1": ({"a": 1}, {"a": 1.0}, []),
    "0 is not nothing": ({"a": 0}, {"a": None}, ["a 0 → none"]),
    "false is not nothing": ({"a": False}, {"a": ""}, ["a False → none"]),
    "absent is as null": ({}, {"a": None}, []),
    "a new key": ({}, {"a": "x"}, ["a none → x"]),
    "deeper": ({"a": {"b": {"c": 1}}, "d": 1}, {"a": {"b": {"c": 2}}, "d": 1}, ["a.b.c 1 → 2"]),
    "in order": ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["a 1 → 2", "b 1 → 2"]),
    "an object that goes": ({"a": {"b": 1}}, {}, ["a {'b': 1} → none"]),
    "a list": ({"a": [1, 2]}, {"a": [2, 1]}, ["a [1, 2] → [2, 1]"]),
    "named items by their names": (
        {"d": [{"name": "x", "v": 1}, {"name": "y"}]},
        {"d": [{"name": "x", "v": 2}, {"name": "z", "v": 3}]},
        ["d.x.v 1 → 2", "d.y {'name': 'y'} → none", "d.z none → {'name': 'z', 'v': 3}"],
    ),
    "slugs inside named items": (
        {"d": [{"name": "x", "s": [{"slug": "a", "cron": "0 6 * * *"}]}]},
        {"d": [{"name": "x", "s": [{"slug": "a", "cron": "0 7 * * *"}]}]},
        ["d.x.s.a.cron 0 6 * * * → 0 7 * * *"],
    ),
    "named items in another order": (
        {"d": [{"name": "x"}, {"name": "y"}]},
        {"d": [{"name": "y"}, {"name": "x"}]},
        ["d [{'name': 'x'}, {'name': 'y'}] → [{'name': 'y'}, {'name': 'x'}]"],
    ),
    "the same name twice": (
        {"d": [{"name": "x"}, {"name": "x"}]},
        {"d": [{"name": "x"}]},
        ["d [{'name': 'x'}, {'name': 'x'}] → [{'name': 'x'}]"],
    ),
    "the first named item": ({"d": []}, {"d": [{"name": "x"}]}, ["d.x none → {'name': 'x'}"]),
    "names that are no text": ({"d": [{"name": 1}]}, {"d": [{"name": 2}]}, ["d [{'name': 1}] → [{'name': 2}]"]),
    "long values are cut": ({"a": "x" * 71}, {"a": "y" * 70}, [f"a {'x' * 67}… → {'y' * 70}"]),
}


@pytest.mark.parametrize(("old", "new", "expected"), ROWS.values(), ids=ROWS)
def test_differences_in_words(old: dict[str, Any], new: dict[str, Any], expected: list[str]) -> None:
    assert list(differences(old, new)) == expected


NAMES = st.sampled_from(["name", "slug", "a", "b"])
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from(["", "x", "y"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)


@given(OBJECTS, OBJECTS)
def test_there_is_nothing_to_say_exactly_when_both_say_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert (not list(differences(old, new))) is same(old, new)
    assert same(old, new) is same(new, old)


@given(VALUES)
def test_everything_says_the_same_as_itself_in_a_line(value: object) -> None:
    assert same(value, value)
    assert len(shown(value)) <= 70


def test_a_tuple_says_the_same_as_a_list() -> None:
    assert same({"tags": ("a", "b")}, {"tags": ["a", "b"]})
    assert not same(("a",), "a")
