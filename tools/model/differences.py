"""PURE: two JSON values -> whether they say the same, and what differs, in words.

What was written by hand into a parameter or a job variable may be a credential, and words end in logs and in pull
requests: what looks like one is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from tools.model.secrets import looks_secret, masked

#: What stands below these names says where a secret lies or who may read it, and is none.
_PLACES = ("ecs_run.permissions.", "ecs_run.secrets.", "secret_paths.", "Policies.allowed.")


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values say the same. Python's == does not tell `true` from 1; to a flow they differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Each difference of two JSON objects, as `key.key before → after`. A key that is absent is as one that is null."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if same(before, after):
            continue
        if _is_secret(prefix, key):
            before, after = masked(before, key), masked(after, key)
        if isinstance(before, dict) and isinstance(after, dict):
            inner = list(differences(before, after, f"{prefix}{key}."))
        elif _named(before) and _named(after):
            inner = list(differences(_by_name(before), _by_name(after), f"{prefix}{key}."))
        else:
            inner = []
        yield from inner or [f"{prefix}{key} {shown(before)} → {shown(after)}"]


def _named(value: Any) -> TypeGuard[Sequence[Mapping[str, Any]]]:
    """Whether it is a list of objects that each have a name of their own."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, dict) for item in value):
        return False
    names = [_name(item) for item in value]
    return None not in names and len(set(names)) == len(names)


def _by_name(value: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(_name(item)): item for item in value}


def _name(item: Mapping[str, Any]) -> str | None:
    name = item.get("name", item.get("slug"))
    return name if isinstance(name, str) else None


def _is_secret(prefix: str, key: str) -> bool:
    return prefix not in _PLACES and looks_secret(key, "")


def shown(value: Any) -> str:
    """A value in a message: short, plain where it is text, and without what looks like a credential."""
    value = masked(value)
    text = value if isinstance(value, str) and value else "none" if value in (None, "", [], {}, ()) else repr(value)
    return text if len(text) <= 70 else text[:67] + "…"
