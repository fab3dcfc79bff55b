"""PURE: two JSON values -> what differs, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Each difference of two JSON objects, as `key.key before → after`."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{prefix}{key}.")
        elif _named(before) and _named(after):
            yield from differences(_by_name(before or ()), _by_name(after or ()), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} {shown(before)} → {shown(after)}"


def _named(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(item, dict) and ("name" in item or "slug" in item) for item in value
    )


def _by_name(value: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(item.get("name") or item.get("slug")): item for item in value}


def shown(value: Any) -> str:
    """A value in a message: short, and plain where it is text."""
    text = value if isinstance(value, str) and value else "none" if value in (None, "", [], {}, ()) else repr(value)
    return text if len(text) <= 70 else text[:67] + "…"
