"""Plan -> results. Decides nothing.

Order: build all (in parallel), push (in parallel), import in it, then release and register, one service at a time. A
service that fails drops out and the others go on. Stopped anywhere and run again, it arrives at the same end: every
step finds what is done already, and a deployment points at a new release only by its last write. Right before each
write that changes what runs, the guard is asked whether the environment's lock is still held; a service's deployments
are read back after its writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.errors import RemoteError, ToolsError, UserError
from tools.model.images import FlowDescription, Login, Step, Target
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
    RemoveSchedule,
    ServicePlan,
)
from tools.plan.deploy import parameter_problems
from tools.plan.deployments import prefect_deployments
from tools.plan.read_back import missing
from tools.plan.results import Provenance, Result
from tools.repository import BASE_DIRECTORY

PUSHES = 4
IMPORTS = 2


class Engine(Protocol):
    """The Docker engine."""

    def has(self, reference: str) -> bool: ...
    def build(self, base: Path, targets: Sequence[Target], step: Step) -> dict[str, ToolsError]: ...
    def push(self, tag: str, address: str, login: Login, step: Step) -> None: ...
    def pull(self, reference: str, login: Login) -> None: ...
    def describe_flow(self, reference: str, entrypoint: str, platform: str) -> FlowDescription: ...


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


def target(service: Service, fingerprint: str) -> Target:
    """A service's image as the engine builds it."""
    storage = service.declaration.docker_storage
    return Target(service.name, fingerprint, service.path, storage.dockerfile, storage.build_args, storage.platform)


def build(root: Path, targets: Sequence[Target], engine: Engine, step: Step) -> dict[str, ToolsError]:
    """Builds the images that the engine has not yet.

    Returns:
        The error of each service whose image could not be built.
    """
    return engine.build(root / BASE_DIRECTORY, [item for item in targets if not engine.has(item.tag)], step)


def unguarded() -> None:
    """The guard of a plan that changes nothing that runs."""


def apply(
    plan: Plan,
    root: Path,
    clients: Clients,
    provenance: Callable[[], Provenance],
    step: Step,
    guard: Callable[[], None] = unguarded,
) -> list[Result]:
    """Carries a plan out.

    Args:
        plan: what to do.
        root: the repository.
        clients: on what.
        provenance: who does it; asked once, and only where a release is registered.
        step: told (service, what is being done).
        guard: raises where the environment's lock is no longer held.

    Returns:
        A result for each service of the plan, in its order.
    """
    run = _Run(plan, root, clients, provenance, step, guard)
    run.refuse()
    run.build()
    run.each("push", [item for item in run.left() if item.has(Push)], run.push, PUSHES)
    run.each("import", [item for item in run.left() if item.has(Import)], run.import_flow, IMPORTS)
    run.each("register", run.left(), run.register, 1)
    return list(run.results.values())


class _Run:
    def __init__(
        self,
        plan: Plan,
        root: Path,
        clients: Clients,
        provenance: Callable[[], Provenance],
        step: Step,
        guard: Callable[[], None],
    ) -> None:
        self._plan, self._root, self._clients, self._step = plan, root, clients, step
        self._provenance, self._guard = provenance, guard
        self._who: Provenance | None = None
        self._login: Login | None = None
        self.results = {item.name: Result(item.name, item.release) for item in plan.services}

    def left(self) -> list[ServicePlan]:
        """The services that have something to do and have not failed."""
        return [item for item in self._plan.services if item.actions and not self.results[item.name].error]

    def refuse(self) -> None:
        """Drops the services whose plan has problems, before anything is written for them."""
        for item in self._plan.services:
            if item.problems or item.refused:
                self.results[item.name].error = UserError("\n".join((*item.problems, *item.refused)))

    def build(self) -> None:
        """Builds all images that are needed, in one session."""
        builds = {
            item.name: target(action.service, item.release.fingerprint)
            for item in self.left()
            for action in item.actions
            if isinstance(action, Build)
        }
        if not builds:
            return
        start = time.monotonic()
        failed = build(self._root, list(builds.values()), self._clients.engine, self._step)
        for name in builds:
            result = self.results[name]
            result.seconds += time.monotonic() - start
            result.error = failed.get(name)
            if not result.error:
                result.done.append("built")

    def each(
        self, what: str, items: Sequence[ServicePlan], do: Callable[[ServicePlan, Result], None], at_once: int
    ) -> None:
        """Does one stage for some services; one that fails drops out."""

        def one(item: ServicePlan) -> None:
            result = self.results[item.name]
            start = time.monotonic()
            self._step(item.name, what)
            try:
                do(item, result)
            except ToolsError as error:
                result.error = error
            finally:
                result.seconds += time.monotonic() - start

        if at_once == 1:
            for item in items:
                one(item)
        elif items:
            self._clients.ecr.warm_up()
            self._login = self._clients.ecr.login()
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(one, items))

    def push(self, item: ServicePlan, result: Result) -> None:
        """Pushes an image and reads its digest from the registry."""
        repository, tag = item.release.repository, item.release.fingerprint
        ecr = self._clients.ecr
        ecr.ensure(repository)
        address = ecr.address(repository)
        if ecr.digest(repository, tag) is None:

            def sent(_: str, text: str) -> None:
                self._step(item.name, f"push {text}")

            self._clients.engine.push(f"{repository}:{tag}", address, self._need_login(), sent)
        digest = ecr.digest(repository, tag)
        if digest is None:
            raise RemoteError(f"the registry does not show {repository}:{tag} after the push", "run this again")
        result.release = result.release.model_copy(update={"image": f"{address}@{digest}"})
        result.done.append("pushed")

    def import_flow(self, item: ServicePlan, result: Result) -> None:
        """Imports the flow in its image: proves that it can start, and gives its parameter schema."""
        engine, release = self._clients.engine, result.release
        reference = release.tag
        if not engine.has(reference):
            reference = release.image
            engine.pull(reference, self._need_login())
        found = engine.describe_flow(reference, release.entrypoint, release.platform)
        if found.name != item.name:
            raise UserError(
                f"the flow is called '{found.name}'; its name must be the service's",
                f'@flow(name="{item.name}")',
            )
        release = release.model_copy(update={"parameter_schema": found.parameter_schema})
        problems = list(parameter_problems(release))
        if problems:
            raise UserError("\n".join(problems), "mend service.toml, or the flow's parameters")
        result.release = release

    def register(self, item: ServicePlan, result: Result) -> None:
        """Registers the release where it is new, then its deployments."""
        if item.has(MakeRelease):
            who = self._who = self._who or self._provenance()
            draft = result.release.model_copy(update={"commit": who.commit, "by": who.by, "at": who.at})
            self._guard()
            result.release = self._clients.ecs.make_release(draft)
            result.done.append("released")
        wanted = prefect_deployments(result.release, item.work_pool)
        registering = [action for action in item.actions if action.stage == "register"]
        for action in registering:
            self._guard()
            self._registered(action, wanted, result)
        if registering:
            self._read_back(item, result)

    def _read_back(self, item: ServicePlan, result: Result) -> None:
        self._guard()  # a lock lost during the last write is told too, whatever is there now
        live = self._clients.prefect.deployments([item.name])
        left = list(missing(item, result.release, live))
        if left:
            raise RemoteError(
                f"somebody else wrote at the same time: read back, this is not as it was written: {', '.join(left)}",
                "run this again: it goes on from what is there now",
            )

    def _registered(self, action: Action, wanted: dict[str, PrefectDeployment], result: Result) -> None:
        prefect = self._clients.prefect
        match action:
            case Create():
                prefect.create(action.made(wanted[action.name]))
                result.done.append(f"created {action.name}")
            case Patch():
                deployment = wanted[action.live.name]
                if action.kept is not None:
                    release = {"task_definition_arn": deployment.job_variables["task_definition_arn"]}
                    deployment = deployment.model_copy(update={"job_variables": {**dict(action.kept), **release}})
                prefect.patch(action.live, deployment, action.fields)
                result.done.append(f"patched {action.live.name}")
            case Delete():
                prefect.remove(action.live.id)
                result.done.append(f"deleted {action.live.name}")
            case AddSchedule():
                prefect.add_schedule(action.live.id, action.wanted)
                result.done.append(f"added {action.live.name}/{action.wanted.slug}")
            case ChangeSchedule():
                prefect.change_schedule(action.deployment.id, action.live, action.wanted, action.active)
                result.done.append(f"changed {action.deployment.name}/{action.wanted.slug}")
            case RemoveSchedule():
                prefect.remove_schedule(action.deployment.id, action.live.id)
                result.done.append(f"deleted {action.deployment.name}/{action.live.slug}")
            case _:
                pass

    def _need_login(self) -> Login:
        if self._login is None:
            raise AssertionError("each stage that pushes or pulls logs in first")
        return self._login
