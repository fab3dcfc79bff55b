"""Plan -> results. Decides nothing.

Order: build all (in parallel), push (in parallel), import each flow in its image, then release and register, one
service at a time. A service that fails drops out and the others go on. Stopped anywhere and run again, it arrives at
the same end: every step finds what is done already, and a deployment points at a new release only by its last write.
Right before each write that changes what runs, the guard is asked whether the environment's lock is still held; a
service's deployments are read back after its writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, assert_never

from tools.errors import PassingError, RemoteError, ToolsError, UserError
from tools.model.images import FlowDescription, Login, OnProgress, Target
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Service
from tools.plan.actions import (
    Action,
    AddSchedule,
    Build,
    ChangeSchedule,
    Create,
    Delete,
    Import,
    MakeRelease,
    Patch,
    Plan,
    Push,
    Registering,
    RemoveSchedule,
)
from tools.plan.deployments import prefect_deployments
from tools.plan.parameters import parameter_problems
from tools.plan.read_back import missing
from tools.plan.results import Done, Provenance, Result
from tools.repository import BASE_DIRECTORY

PUSHES = 4
IMPORTS = 2


class Engine(Protocol):
    """The Docker engine."""

    def has(self, reference: str) -> bool: ...
    def build(self, base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]: ...
    def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None: ...
    def pull(self, reference: str, login: Login) -> None: ...
    def describe_flow(self, reference: str, release: Release) -> FlowDescription: ...


class Registry(Protocol):
    """ECR."""

    def warm_up(self) -> None: ...
    def digest(self, repository: str, tag: str) -> str | None: ...
    def ensure(self, repository: str) -> None: ...
    def address(self, repository: str) -> str: ...
    def login(self) -> Login: ...


class Releases(Protocol):
    """ECS."""

    def make_release(self, draft: Release) -> Release: ...


class Deployments(Protocol):
    """The Prefect API."""

    def deployments(self, flows: Sequence[str]) -> list[PrefectDeployment]: ...
    def create(self, wanted: PrefectDeployment) -> PrefectDeployment: ...
    def patch(self, live: PrefectDeployment, wanted: PrefectDeployment, fields: Iterable[str]) -> None: ...
    def remove(self, deployment_id: str) -> None: ...
    def add_schedule(self, deployment_id: str, schedule: PrefectSchedule) -> None: ...
    def change_schedule(
        self, deployment_id: str, live: PrefectSchedule, wanted: PrefectSchedule, active: bool | None
    ) -> None: ...
    def remove_schedule(self, deployment_id: str, schedule_id: str) -> None: ...


@dataclass(frozen=True)
class Clients:
    """What the steps of a plan act on."""

    engine: Engine
    ecr: Registry
    ecs: Releases
    prefect: Deployments


def unguarded() -> None:
    """The guard of a plan that changes nothing that runs."""


def apply(
    plan: Plan,
    root: Path,
    clients: Clients,
    provenance: Callable[[], Provenance],
    step: OnProgress,
    guard: Callable[[], None] = unguarded,
) -> list[Result]:
    """Carries a plan out.

    Args:
        plan: what to do.
        root: the repository.
        clients: on what.
        provenance: who does it; asked once, and only where a release is made.
        step: told (service, what is being done).
        guard: raises where the environment's lock is no longer held.

    Returns:
        A result for each service of the plan, in its order.
    """
    work = _Work(root, clients, cache(provenance), step, guard)
    results = [Result(item, item.release, error=_refusal(item.problems + item.refused)) for item in plan.services]
    _build(work, [result for result in results if _goes_on(result, Build)])
    _in_parallel(work, "push", _push, [result for result in results if _goes_on(result, Push)], PUSHES)
    _in_parallel(work, "import", _import, [result for result in results if _goes_on(result, Import)], IMPORTS)
    for result in results:
        if result.item.actions and not result.error:
            with _told(work, result, "register"):
                _commit(work, result)
    return results


@dataclass(frozen=True)
class _Work:
    """What every step needs."""

    root: Path
    clients: Clients
    provenance: Callable[[], Provenance]
    step: OnProgress
    guard: Callable[[], None]


def _refusal(problems: Sequence[str]) -> UserError | None:
    """Why nothing is written for a service, if there is a reason."""
    return UserError("\n".join(problems)) if problems else None


def _goes_on(result: Result, kind: type[Action]) -> bool:
    return result.error is None and result.item.has(kind)


@contextmanager
def _told(work: _Work, result: Result, what: str) -> Iterator[None]:
    """Does one stage of one service: told before, timed, and what fails ends this service only."""
    start = time.monotonic()
    work.step(result.service, what)
    try:
        yield
    except ToolsError as error:
        result.error = error
    finally:
        result.seconds += time.monotonic() - start


@contextmanager
def _action(result: Result, action: Action) -> Iterator[None]:
    """Does one action; notes that it is done, or that it is the one that failed."""
    try:
        yield
    except ToolsError:
        result.failed = action
        raise
    result.done.append(Done(action))


def _build(work: _Work, results: Sequence[Result]) -> None:
    """Builds all images that the engine has not, in one session."""
    start = time.monotonic()
    building: dict[str, Target] = {}
    for result in results:
        for action in result.item.of(Build):
            target = _target(action.service, result.release.fingerprint)
            if work.clients.engine.has(target.tag):
                result.done.append(Done(action, already=True))
            else:
                building[result.service] = target
    if not building:
        return
    failed = work.clients.engine.build(work.root / BASE_DIRECTORY, list(building.values()), work.step)
    for result in (result for result in results if result.service in building):
        result.seconds += time.monotonic() - start
        result.error = failed.get(result.service)
        for action in result.item.of(Build):
            if result.error:
                result.failed = action
            else:
                result.done.append(Done(action))


def _target(service: Service, fingerprint: str) -> Target:
    """A service's image as the engine builds it."""
    storage = service.declaration.docker_storage
    return Target(service.name, fingerprint, service.path, storage.dockerfile, storage.build_args, storage.platform)


def _in_parallel(
    work: _Work, what: str, do: Callable[[_Work, Result, Login], None], results: Sequence[Result], at_once: int
) -> None:
    """Does a stage that needs the registry's login, for some services at once."""
    if not results:
        return
    work.clients.ecr.warm_up()
    login = work.clients.ecr.login()

    def one(result: Result) -> None:
        with _told(work, result, what):
            do(work, result, login)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, results))


def _push(work: _Work, result: Result, login: Login) -> None:
    """Pushes an image and reads its digest from the registry."""
    ecr, release = work.clients.ecr, result.release
    for action in result.item.of(Push):
        with _action(result, action):
            ecr.ensure(release.repository)
            address = ecr.address(release.repository)
            if ecr.digest(release.repository, release.fingerprint) is None:

                def sent(_: str, text: str) -> None:
                    work.step(result.service, f"push {text}")

                work.clients.engine.push(release.tag, address, login, sent)
            digest = ecr.digest(release.repository, release.fingerprint)
            if digest is None:
                raise RemoteError(f"the registry does not show {release.tag} after the push", "run this again")
            result.release = release.model_copy(update={"image": f"{address}@{digest}"})


def _import(work: _Work, result: Result, login: Login) -> None:
    """Imports the flow in its image: proves that it can start, and gives its parameter schema."""
    engine, release = work.clients.engine, result.release
    for action in result.item.of(Import):
        with _action(result, action):
            # Not what the engine has under the tag: what is proven must be what is released.
            engine.pull(release.image, login)
            found = engine.describe_flow(release.image, release)
            if found.name != result.service:
                raise UserError(
                    f"the flow is called '{found.name}'; its name must be the service's",
                    f'@flow(name="{result.service}")',
                )
            described = release.model_copy(update={"parameter_schema": found.parameter_schema})
            problems = list(parameter_problems(described))
            if problems:
                raise UserError("\n".join(problems), "mend service.toml, or the flow's parameters")
            result.release = described


def _commit(work: _Work, result: Result) -> None:
    """Makes the release where it is new, then writes its deployments, and reads them back."""
    for action in result.item.of(MakeRelease):
        with _action(result, action):
            who = work.provenance()
            draft = result.release.model_copy(update={"commit": who.commit, "by": who.by, "at": who.at})
            work.guard()
            result.release = work.clients.ecs.make_release(draft)
    wanted = prefect_deployments(result.release, result.item.work_pool)
    try:
        for registering in result.item.registering:
            with _action(result, registering):
                work.guard()
                _register(work.clients.prefect, registering, wanted)
    except RemoteError as error:
        if not isinstance(error, PassingError):  # what passes is not undone: run again, it goes on from there
            _undo(work, result, error)
        raise
    if result.item.registering:
        _read_back(work, result)


def _register(prefect: Deployments, action: Registering, wanted: Mapping[str, PrefectDeployment]) -> None:
    """Writes one thing to the Prefect API."""
    match action:
        case Create():
            prefect.create(action.made(wanted[action.name]))
        case Patch():
            prefect.patch(action.live, action.made(wanted[action.live.name]), action.fields)
        case Delete():
            prefect.remove(action.live.id)
        case AddSchedule():
            prefect.add_schedule(action.deployment.id, action.wanted)
        case ChangeSchedule():
            prefect.change_schedule(action.deployment.id, action.live, action.wanted, action.active)
        case RemoveSchedule():
            prefect.remove_schedule(action.deployment.id, action.live.id)
        case _:
            assert_never(action)


def _undo(work: _Work, result: Result, error: RemoteError) -> None:
    """Takes back what was registered before Prefect refused the rest: the release that was live stays complete."""
    written = [done for done in result.done if isinstance(done.action, Registering)]
    try:
        for done in reversed(written):
            work.guard()
            _take_back(work.clients.prefect, done.action)
            result.done.remove(done)
    except ToolsError as second:
        error.message += f"\nwhat was written before that is still there: {second.message}"
        return
    if written:
        error.message += "\nwhat was written before that was taken back: all runs as before"


def _take_back(prefect: Deployments, action: Action) -> None:
    """Writes one thing to the Prefect API as it was before."""
    match action:
        case Patch():
            prefect.patch(action.live, action.live, action.fields)
        case ChangeSchedule():
            prefect.change_schedule(action.deployment.id, action.live, action.live, action.live.active)
        case RemoveSchedule():
            prefect.add_schedule(action.deployment.id, action.live)
        case Delete():
            prefect.create(action.live)
        case AddSchedule():
            found = _there(prefect, action.deployment.full_name)
            added = [one for item in found for one in item.schedules if one.slug == action.wanted.slug]
            for one in added:
                prefect.remove_schedule(action.deployment.id, one.id)
        case Create():
            for item in _there(prefect, action.subject):
                prefect.remove(item.id)
        case _:
            raise AssertionError(f"nothing to take back of {action}")


def _there(prefect: Deployments, full_name: str) -> list[PrefectDeployment]:
    """The deployment of a name as it is now, if it is."""
    return [item for item in prefect.deployments([full_name.partition("/")[0]]) if item.full_name == full_name]


def _read_back(work: _Work, result: Result) -> None:
    work.guard()  # a lock lost during the last write is told too, whatever is there now
    live = work.clients.prefect.deployments([result.service])
    left = list(missing(result.item, result.release, live))
    if left:
        raise RemoteError(
            f"somebody else wrote at the same time: read back, this is not as it was written: {', '.join(left)}",
            "run this again: it goes on from what is there now",
        )
    result.live = live
