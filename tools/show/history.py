"""PURE: a service's releases, newest first -> what each changed, as text or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from tools.model.release import AnyRelease, UnreadRelease
from tools.plan.releases import release_changes

UNKNOWN = "what it changed is not known: the release before it cannot be read"


def changes(releases: Sequence[AnyRelease]) -> Iterator[tuple[AnyRelease, list[str]]]:
    """Each release with what it changed of the one before it.

    Args:
        releases: newest first.
    """
    for release, before in zip(releases, [*releases[1:], None], strict=False):
        if isinstance(release, UnreadRelease) or before is None:
            yield release, []
        elif isinstance(before, UnreadRelease):
            yield release, [UNKNOWN]
        else:
            yield release, list(release_changes(before, release))


def history_text(releases: Sequence[AnyRelease], live: Sequence[str]) -> Group:
    """The history for a terminal.

    Args:
        releases: newest first.
        live: the ARNs that deployments point at.
    """
    parts: list[Any] = []
    for release, changed in changes(releases):
        head = Text(f"release {release.revision}", style="bold")
        if release.arn in live:
            head.append("  live", style="bold green")
        if isinstance(release, UnreadRelease):
            told = release.why
        else:
            head.append(f"  {release.at.replace('T', ' ').replace('+00:00', ' UTC')}  by {release.by}")
            head.append(f"  commit {release.commit or '?'}  image {release.fingerprint}", style="dim")
            told = "\n".join(changed) or (
                "nothing changed" if release is not releases[-1] else "the first that is kept"
            )
        parts += [head, Padding(escape(told), (0, 0, 0, 2))]
    return Group(*parts)


def history_json(releases: Sequence[AnyRelease], live: Sequence[str]) -> list[dict[str, Any]]:
    """The history for machines, newest first; `changes` are of the release before."""
    return [_release_json(release, changed, release.arn in live) for release, changed in changes(releases)]


def _release_json(release: AnyRelease, changed: list[str], live: bool) -> dict[str, Any]:
    known = {"release": release.revision, "live": live, "task_definition_arn": release.arn}
    if isinstance(release, UnreadRelease):
        return {**known, "unreadable": release.why}
    return {
        **known,
        "unreadable": None,
        "at": release.at,
        "by": release.by,
        "commit": release.commit,
        "fingerprint": release.fingerprint,
        "image": release.image,
        "deployments": [deployment.name for deployment in release.deployments],
        "changes": changed,
    }
