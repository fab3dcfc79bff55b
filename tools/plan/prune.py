"""PURE: what an environment holds + what the repository declares -> what nothing needs any more.

Only what bears our names and marks is ever named: deployments with the environment's mark, revisions of its families,
images under a fingerprint in our repositories. A release that a deployment points at stays, whoever made the
deployment. A release that this version cannot read stays, and so do the deployments that point at it; so does an image
that any kept revision of the account refers to, whatever the environment: it may be deployed by a later version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.model.images import Image
from tools.model.observed import Revision
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release, UnreadRelease
from tools.plan.live import made_by_hand, points_at
from tools.plan.releases import newest_first

KEPT_RELEASES = 10
"""Of each service, beside those that are live."""
YOUNG = timedelta(days=1)
"""An image that was pushed this short ago may be about to be released."""
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Leftovers:
    """What nothing needs any more."""

    deployments: tuple[PrefectDeployment, ...]
    releases: tuple[Release, ...]
    images: tuple[Image, ...]

    def __len__(self) -> int:
        return len(self.deployments) + len(self.releases) + len(self.images)


def leftovers(
    environment: str,
    declared: Mapping[str, Iterable[str]],
    deployments: Sequence[PrefectDeployment],
    revisions: Sequence[Revision],
    images: Sequence[Image],
    now: datetime,
) -> Leftovers:
    """What of an environment nothing needs any more.

    Args:
        environment: its name.
        declared: the names of the deployments that the repository declares, by service.
        deployments: all that the Prefect API has.
        revisions: of all families of the account that bear our name, those of other environments too: they may need an
            image.
        images: those of our repositories.
        now: with a time zone.
    """
    releases = {item.arn: item.release for item in revisions if isinstance(item.release, Release)}
    unread = {item.arn for item in revisions if isinstance(item.release, UnreadRelease)}
    known = [item for item in deployments if points_at(item) not in unread]
    undeclared = tuple(undeclared_deployments(environment, declared, known, releases))
    gone = {item.id for item in undeclared}
    left = [item for item in deployments if item.id not in gone]
    old = tuple(_old(environment, releases.values(), {_short(points_at(item)) for item in left}))
    removed = {release.arn for release in old}
    references = [image for item in revisions if item.arn not in removed for image in item.images]
    references += [str(item.job_variables.get("image") or "") for item in left]
    kept = {_digest_or_tag(reference) for reference in references}
    unneeded = tuple(image for image in images if _is_unneeded(image, kept, now))
    return Leftovers(undeclared, old, unneeded)


def undeclared_deployments(
    environment: str,
    declared: Mapping[str, Iterable[str]],
    deployments: Iterable[PrefectDeployment],
    releases: Mapping[str, Release],
) -> Iterator[PrefectDeployment]:
    """Deployments that were deployed to the environment, and that the repository does not declare."""
    for item in deployments:
        if item.name not in declared.get(item.flow, ()) and not made_by_hand(item, environment, releases):
            yield item


def _old(environment: str, releases: Iterable[Release], live: set[str]) -> Iterator[Release]:
    families: dict[str, list[Release]] = {}
    for release in newest_first(releases):
        if release.environment == environment:
            families.setdefault(release.family, []).append(release)
    for _, found in sorted(families.items()):
        yield from (release for release in found[KEPT_RELEASES:] if _short(release.arn) not in live)


def _short(reference: str) -> str:
    """`family:number`: a deployment made by hand may say no more, and ECS understands it."""
    return reference.rpartition("/")[2]


def _digest_or_tag(reference: str) -> str:
    return reference.rpartition("@" if "@" in reference else ":")[2]


def _is_unneeded(image: Image, kept: set[str], now: datetime) -> bool:
    ours = bool(image.tags) and all(_FINGERPRINT.fullmatch(tag) for tag in image.tags)
    return ours and kept.isdisjoint((image.digest, *image.tags)) and now - image.pushed_at > YOUNG
