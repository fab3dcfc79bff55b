"""PURE: two releases of a service -> what differs, in words.

Only inputs whose hashes both releases know are told by name; where one knows none, the fingerprints are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tools.model.differences import differences
from tools.model.release import Release
from tools.repository import BASE_DIRECTORY

MAX_NAMED = 5
"""So many changed files are named, the rest counted."""


def newest_first(releases: Iterable[Release]) -> list[Release]:
    """Releases in order of their numbers, the highest first."""
    return sorted(releases, key=lambda release: release.revision or 0, reverse=True)


def release_changes(before: Release | None, after: Release) -> Iterator[str]:
    """What `after` says that `before` does not.

    Args:
        before: None where it is the first.
        after: image and parameter schema are not compared where it has none yet.
    """
    if before is None:
        yield "there is no release yet"
        return
    old, new = before.content(), after.content()
    for content in (old, new):
        content["platform_env"].pop("DATA_FLOWS_FINGERPRINT", None)  # the image's changes are named
        del content["fingerprint"]
    new["image"] = old["image"]  # what is another image is told below
    if not after.parameter_schema:
        new["parameter_schema"] = old["parameter_schema"]
    if not after.image:
        yield "the new image"
    elif (before.fingerprint, before.image_digest) != (after.fingerprint, after.image_digest):
        yield from image_changes(before, after)
    yield from differences(old, new)


def image_changes(before: Release | None, after: Release) -> Iterator[str]:
    """Which inputs of the image differ: `services/a/flow.py changed`, `base image changed (requirements.lock)`."""
    if before is None:
        yield "there is no image yet"
        return
    if before.fingerprint == after.fingerprint:
        old, new = _short(before.image_digest), _short(after.image_digest)
        gone = f"the registry no longer has the image of release {before.revision} ({old})"
        yield f"another image of the same fingerprint: {old} → {new}" if new else gone
        return
    told = [*_told(_changed(before.inputs, after.inputs))] if before.inputs and after.inputs else []
    yield from told or [f"fingerprint {before.fingerprint} → {after.fingerprint}"]


def _short(digest: str) -> str:
    """As Docker shows an image's id."""
    return digest.removeprefix("sha256:")[:12]


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Each input that differs -> what became of it."""
    return {
        name: "added" if name not in old else "removed" if name not in new else "changed"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }


def _told(changed: Mapping[str, str]) -> Iterator[str]:
    base = f"{BASE_DIRECTORY}/"
    of_base = [name.removeprefix(base) for name in changed if name.startswith(base)]
    if of_base:
        yield f"base image changed ({_some(of_base)})"
    own = [f"{name} {what}" for name, what in changed.items() if not name.startswith(base)]
    yield from own[:MAX_NAMED]
    if len(own) > MAX_NAMED:
        yield f"and {len(own) - MAX_NAMED} more"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
