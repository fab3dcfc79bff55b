"""PURE: what an environment holds + what the repository declares -> what nothing needs any more.

Only what bears our names and marks is ever named: deployments with the environment's mark, revisions of its families,
images under a fingerprint in our repositories. A release that a deployment points at stays, whoever made the
deployment; an image that any kept release of the account refers to stays, whatever the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.clients.ecr import Image
from tools.desired import mark
from tools.model import Registration, Release
from tools.registration import points_at
from tools.rollback import newest_first

KEPT_RELEASES = 10
"""Of each service, beside those that are live."""
YOUNG = timedelta(days=1)
"""An image that was pushed this short ago may be about to be released."""
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Leftovers:
    """What nothing needs any more."""

    deployments: tuple[Registration, ...]
    releases: tuple[Release, ...]
    images: tuple[Image, ...]

    def __len__(self) -> int:
        return len(self.deployments) + len(self.releases) + len(self.images)


def leftovers(
    environment: str,
    declared: Mapping[str, Iterable[str]],
    deployments: Sequence[Registration],
    releases: Sequence[Release],
    images: Sequence[Image],
    now: datetime,
) -> Leftovers:
    """What of an environment nothing needs any more.

    Args:
        environment: its name.
        declared: the names of the deployments that the repository declares, by service.
        deployments: all that the Prefect API has.
        releases: all of the account, those of other environments too: they may need an image.
        images: those of our repositories.
        now: with a time zone.
    """
    undeclared = tuple(undeclared_deployments(environment, declared, deployments))
    gone = {item.id for item in undeclared}
    live = {points_at(item) for item in deployments if item.id not in gone}
    old = tuple(_old(environment, releases, live))
    removed = {release.arn for release in old}
    kept = {_image(release) for release in releases if release.arn not in removed}
    unneeded = tuple(image for image in images if _is_unneeded(image, kept, now))
    return Leftovers(undeclared, old, unneeded)


def undeclared_deployments(
    environment: str, declared: Mapping[str, Iterable[str]], deployments: Iterable[Registration]
) -> Iterator[Registration]:
    """Deployments that bear the environment's mark, and that the repository does not declare."""
    for item in deployments:
        if mark(environment) in item.tags and item.name not in declared.get(item.flow, ()):
            yield item


def _old(environment: str, releases: Iterable[Release], live: set[str]) -> Iterator[Release]:
    families: dict[str, list[Release]] = {}
    for release in newest_first(releases):
        if release.environment == environment:
            families.setdefault(release.family, []).append(release)
    for _, found in sorted(families.items()):
        yield from (release for release in found[KEPT_RELEASES:] if release.arn not in live)


def _image(release: Release) -> tuple[str, str]:
    return release.repository, release.image.rpartition("@")[2]


def _is_unneeded(image: Image, kept: set[tuple[str, str]], now: datetime) -> bool:
    ours = bool(image.tags) and all(_FINGERPRINT.fullmatch(tag) for tag in image.tags)
    return ours and (image.repository, image.digest) not in kept and now - image.pushed_at > YOUNG
