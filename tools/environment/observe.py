"""What is: clients -> State. Reads only, and as little as a deploy with nothing to do needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from tools.desired.draft import Desired
from tools.model.observed import Observed, State
from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease, UnreadRelease
from tools.plan.live import points_at

PARALLEL = 8


class Releases(Protocol):
    """ECS, as far as it is read."""

    def warm_up(self) -> None: ...
    def release(self, reference: str) -> AnyRelease | None: ...
    def releases(self, family: str) -> list[AnyRelease]: ...


class Registry(Protocol):
    """ECR, as far as it is read."""

    def warm_up(self) -> None: ...
    def digest(self, repository: str, tag: str) -> str | None: ...
    def holds(self, repository: str, digest: str) -> bool: ...
    def address(self, repository: str) -> str: ...


class Deployments(Protocol):
    """The Prefect API, as far as it is read."""

    def deployments(self, flows: Sequence[str]) -> list[PrefectDeployment]: ...


def observe(
    desired: Sequence[Desired],
    ecs: Releases,
    ecr: Registry,
    prefect: Deployments,
    missing_parameters: Callable[[Sequence[str]], Sequence[str]],
) -> State:
    """What the environment holds of the desired services.

    Args:
        desired: what to look for.
        ecs: its releases.
        ecr: its images.
        prefect: its deployments.
        missing_parameters: says which of some parameters do not exist.

    Raises:
        RemoteError: a system refused or did not answer; nothing is half-known.
    """
    ecs.warm_up()
    with ThreadPoolExecutor(PARALLEL) as pool:
        registered = pool.submit(prefect.deployments, [item.service.name for item in desired])
        secrets = pool.submit(missing_parameters, [p for item in desired for p in item.draft.secret_paths.values()])
        newest = list(pool.map(ecs.release, [item.draft.family for item in desired]))
        by_flow: dict[str, list[PrefectDeployment]] = {}
        for deployment in registered.result():
            by_flow.setdefault(deployment.flow, []).append(deployment)
        known: dict[str, AnyRelease] = {release.arn: release for release in newest if release}
        wanted = sorted(_arns(by_flow) - set(known))
        known |= {arn: found for arn, found in zip(wanted, pool.map(ecs.release, wanted), strict=True) if found}
        # What cannot be read says nothing of what was declared: those before it do.
        unread = sorted({item.family for item in known.values() if isinstance(item, UnreadRelease)})
        known |= {found.arn: found for some in pool.map(ecs.releases, unread) for found in some}
        absent = set(secrets.result())
    families: dict[str, list[AnyRelease]] = {}
    for found in known.values():
        families.setdefault(found.family, []).append(found)
    seen = [
        (item, Observed.of(families.get(item.draft.family, ()), by_flow.get(item.service.name, ()))) for item in desired
    ]
    return {
        item.service.name: replace(
            observed, missing_secrets=tuple(p for p in item.draft.secret_paths.values() if p in absent)
        )
        for item, observed in _with_images(seen, ecr)
    }


def look_closer(state: State, names: Iterable[str], ecs: Releases) -> State:
    """The same with each release of some services that is newer than what their deployments point at.

    Two deploys of different content that were both stopped leave schedules of the first, whose release is then neither
    pointed at nor the newest: only by it are these schedules nobody's own.

    Args:
        state: as observed.
        names: of the services.
        ecs: its releases.
    """
    closer = dict(state)
    for name in names:
        observed = state[name]
        if observed.newest is None:
            continue
        pointed_at = _arns({name: observed.deployments})
        oldest = min((known.revision or 0 for known in observed.all_releases if known.arn in pointed_at), default=0)
        later = [item for item in ecs.releases(observed.newest.family) if (item.revision or 0) > oldest]
        seen = Observed.of([*observed.all_releases, *later], observed.deployments)
        closer[name] = replace(observed, newest=seen.newest, releases=seen.releases, unread=seen.unread)
    return closer


def observe_images(desired: Sequence[Desired], ecr: Registry) -> State:
    """What the registry holds of the desired services, and nothing else: enough for a push."""
    return {item.service.name: observed for item, observed in _with_images([(i, Observed()) for i in desired], ecr)}


def _arns(by_flow: Mapping[str, Sequence[PrefectDeployment]]) -> set[str]:
    return {points_at(item) for items in by_flow.values() for item in items} - {""}


def _with_images(seen: Sequence[tuple[Desired, Observed]], ecr: Registry) -> list[tuple[Desired, Observed]]:
    """Adds what the registry has: each desired image, and which of those that run are gone."""
    if not seen:
        return []
    ecr.warm_up()

    def one(each: tuple[Desired, Observed]) -> tuple[Desired, Observed]:
        item, observed = each
        repository, digest = item.service.repository, ecr.digest(item.service.repository, item.draft.fingerprint)
        images = {release.image_digest: release.image for release in observed.releases.values()}
        image = images.get(digest) or f"{ecr.address(repository)}@{digest}" if digest else ""
        pointed_at = {points_at(deployment) for deployment in observed.deployments}
        live = [release for arn, release in observed.releases.items() if arn in pointed_at]
        lost = {found.image_digest for found in live if found.image_digest != digest}
        lost = {found for found in lost if not ecr.holds(repository, found)}
        gone = frozenset(release.arn for release in live if release.image_digest in lost)
        return item, replace(observed, image=image, gone=gone)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, seen))
