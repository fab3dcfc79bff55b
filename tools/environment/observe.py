"""What is: clients + what is kept of what was read before -> State. Reads only, and as little as a plan needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from tools.desired.draft import Desired
from tools.environment.kept import Kept
from tools.model.observed import Observed, State, Unseen
from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease, Release, UnreadRelease
from tools.plan.deploy import plan
from tools.plan.known import in_step
from tools.plan.live import points_at

PARALLEL = 8
LOOKS = 8
"""So many of the flows in step are looked at each time: two requests for each."""


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
    return _looked_at(desired, _listed(desired, prefect, missing_parameters), ecs, ecr)


def observe_some(
    desired: Sequence[Desired],
    ecs: Releases,
    ecr: Registry,
    prefect: Deployments,
    missing_parameters: Callable[[Sequence[str]], Sequence[str]],
    kept: Kept,
    looks: int = LOOKS,
) -> tuple[State, Unseen | None]:
    """The same, but of the flows that are in step by what is kept only some are looked at, in turn.

    A release that is in step may be deregistered and its image deleted all the same: so some are looked at each time.
    Where what is kept of one of them is wrong, nothing of it is believed, and all are looked at.

    Args:
        desired: see `observe`.
        ecs: see `observe`.
        ecr: see `observe`.
        prefect: see `observe`.
        missing_parameters: see `observe`.
        kept: what was read before; what is read now is added to it.
        looks: how many of the flows in step are looked at.

    Returns:
        What the environment holds, and what of it was not looked at now.

    Raises:
        RemoteError: see `observe`.
    """
    now, listed = datetime.now(UTC), _listed(desired, prefect, missing_parameters)
    known = _known(desired, listed, kept)
    order = kept.longest_ago(_in_step([item for item in desired if item.service.name in known], known), now)
    unseen = set(order[looks:])
    state = {name: known[name] for name in unseen}
    state |= _looked_at([item for item in desired if item.service.name not in unseen], listed, ecs, ecr)
    if any(_is_wrong(known[name], state[name]) for name in known):
        state |= _looked_at([item for item in desired if item.service.name in unseen], listed, ecs, ecr)
        unseen = set()
    _keep(kept, [item for item in desired if item.service.name not in unseen], state, now)
    return state, Unseen(len(unseen), min(kept.looked(name, now) for name in unseen)) if unseen else None


def _keep(kept: Kept, looked: Sequence[Desired], state: State, now: datetime) -> None:
    """Keeps the releases of the flows that were looked at and are in step, and nothing of the others."""
    kept.drop(item.service.name for item in looked)
    for name in _in_step(looked, state):
        (release,) = _pointed_at(state[name])
        kept.keep(name, release, state[name].deployments, now)


def _in_step(desired: Sequence[Desired], state: State) -> list[str]:
    """Which of some flows need nothing, whatever else there is."""
    planned = [plan(item.draft.environment, [item], state).services[0] for item in desired]
    return [item.name for item in planned if in_step(item, state[item.name])]


def _known(desired: Sequence[Desired], listed: _Listed, kept: Kept) -> dict[str, Observed]:
    """What is known of the flows whose release was read before, without a look at it."""
    found: dict[str, Observed] = {}
    for item in desired:
        deployments = listed.deployments_of(item)
        release = kept.release(item.service.name, deployments)
        if release:
            same = release.fingerprint == item.draft.fingerprint
            observed = replace(Observed.of([release], deployments), missing_secrets=listed.missing_of(item))
            found[item.service.name] = replace(observed, image=release.image if same else "")
    return found


def _pointed_at(observed: Observed) -> list[Release]:
    """The releases that deployments of a service point at."""
    pointed_at = {points_at(deployment) for deployment in observed.deployments}
    return [release for arn, release in observed.releases.items() if arn in pointed_at]


def _is_wrong(known: Observed, now: Observed) -> bool:
    """Whether the releases that were known are not those that are there."""
    return any(now.releases.get(arn) != release for arn, release in known.releases.items())


@dataclass(frozen=True)
class _Listed:
    """What is read of all services at once."""

    by_flow: Mapping[str, Sequence[PrefectDeployment]]
    absent: frozenset[str]
    """The secrets' parameters that do not exist."""

    def deployments_of(self, item: Desired) -> Sequence[PrefectDeployment]:
        """The service's."""
        return self.by_flow.get(item.service.name, ())

    def missing_of(self, item: Desired) -> tuple[str, ...]:
        """The service's secrets that do not exist."""
        return tuple(path for path in item.draft.secret_paths.values() if path in self.absent)


def _listed(
    desired: Sequence[Desired], prefect: Deployments, missing_parameters: Callable[[Sequence[str]], Sequence[str]]
) -> _Listed:
    with ThreadPoolExecutor(1) as pool:
        secrets = pool.submit(missing_parameters, [p for item in desired for p in item.draft.secret_paths.values()])
        by_flow: dict[str, list[PrefectDeployment]] = {}
        for deployment in prefect.deployments([item.service.name for item in desired]):
            by_flow.setdefault(deployment.flow, []).append(deployment)
        return _Listed(by_flow, frozenset(secrets.result()))


def _looked_at(desired: Sequence[Desired], listed: _Listed, ecs: Releases, ecr: Registry) -> dict[str, Observed]:
    """What the environment holds of some services: their releases and images, read one by one."""
    if not desired:
        return {}
    ecs.warm_up()
    with ThreadPoolExecutor(PARALLEL) as pool:
        newest = list(pool.map(ecs.release, [item.draft.family for item in desired]))
        known: dict[str, AnyRelease] = {release.arn: release for release in newest if release}
        wanted = sorted({points_at(one) for item in desired for one in listed.deployments_of(item)} - {"", *known})
        known |= {arn: found for arn, found in zip(wanted, pool.map(ecs.release, wanted), strict=True) if found}
        # What cannot be read says nothing of what was declared: those before it do.
        unread = sorted({item.family for item in known.values() if isinstance(item, UnreadRelease)})
        known |= {found.arn: found for some in pool.map(ecs.releases, unread) for found in some}
    families: dict[str, list[AnyRelease]] = {}
    for found in known.values():
        families.setdefault(found.family, []).append(found)
    seen = [(item, Observed.of(families.get(item.draft.family, ()), listed.deployments_of(item))) for item in desired]
    return {
        item.service.name: replace(observed, missing_secrets=listed.missing_of(item))
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
        pointed_at = {points_at(deployment) for deployment in observed.deployments}
        oldest = min((known.revision or 0 for known in observed.all_releases if known.arn in pointed_at), default=0)
        later = [item for item in ecs.releases(observed.newest.family) if (item.revision or 0) > oldest]
        seen = Observed.of([*observed.all_releases, *later], observed.deployments)
        closer[name] = replace(observed, newest=seen.newest, releases=seen.releases, unread=seen.unread)
    return closer


def observe_images(desired: Sequence[Desired], ecr: Registry) -> State:
    """What the registry holds of the desired services, and nothing else: enough for a push."""
    return {item.service.name: observed for item, observed in _with_images([(i, Observed()) for i in desired], ecr)}


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
        live = _pointed_at(observed)
        lost = {found.image_digest for found in live if found.image_digest != digest}
        lost = {found for found in lost if not ecr.holds(repository, found)}
        gone = frozenset(release.arn for release in live if release.image_digest in lost)
        return item, replace(observed, image=image, gone=gone)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, seen))
