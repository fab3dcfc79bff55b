"""PURE: a service's releases, newest first -> what each changed, as text or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from tools.model.release import Release
from tools.plan.releases import release_changes


def changes(releases: Sequence[Release]) -> Iterator[tuple[Release, list[str]]]:
    """Each release with what it changed of the one before it.

    Args:
        releases: newest first.
    """
    for release, before in zip(releases, [*releases[1:], None], strict=False):
        yield release, list(release_changes(before, release)) if before else []


def history_text(releases: Sequence[Release], live: Sequence[str]) -> Group:
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
        head.append(f"  {release.at.replace('T', ' ').replace('+00:00', ' UTC')}  by {release.by}")
        head.append(f"  commit {release.commit or '?'}  image {release.fingerprint}", style="dim")
        told = "\n".join(changed) or ("nothing changed" if release is not releases[-1] else "the first that is kept")
        parts += [head, Padding(escape(told), (0, 0, 0, 2))]
    return Group(*parts)


def history_json(releases: Sequence[Release], live: Sequence[str]) -> list[dict[str, Any]]:
    """The history for machines, newest first; `changes` are of the release before."""
    return [
        {
            "release": release.revision,
            "live": release.arn in live,
            "at": release.at,
            "by": release.by,
            "commit": release.commit,
            "fingerprint": release.fingerprint,
            "image": release.image,
            "task_definition_arn": release.arn,
            "deployments": [deployment.name for deployment in release.deployments],
            "changes": changed,
        }
        for release, changed in changes(releases)
    ]
