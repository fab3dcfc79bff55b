"""Whether the roles that releases rely on have what is declared.

A task role is made by `make bootstrap`, a release by a deploy: what a service.toml adds to its permissions is there
only after the first. Asks CloudFormation for one template, and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from tools.clients.cloudformation import CloudFormation
from tools.desired import permissions
from tools.desired.draft import Desired
from tools.errors import RemoteError
from tools.model import names
from tools.model.observed import RoleObserved, State
from tools.model.release import Release
from tools.model.stacks import Template
from tools.settings import LOCAL, Settings
from tools.stacks.inputs import Place, ServiceRoles
from tools.stacks.standing import StandingRole, standing_role

#: Reads the template of the stack of an environment's roles; empty where there is no such stack.
ReadTemplate = Callable[[], Template]
_TOLD = 3
"""So many permissions are named, the rest counted."""


def run_template(settings: Settings) -> ReadTemplate:
    """Reads the template of an environment's stack of roles, once."""
    stack = names.stack(settings.environment, "run")
    return cache(lambda: CloudFormation(settings.aws).template(stack))


def look_at_roles(state: State, desired: Sequence[Desired], settings: Settings, template: ReadTemplate) -> State:
    """The same with what can be told of the roles of some services.

    Args:
        state: as observed.
        desired: the services of which a release is to be made.
        settings: the environment's.
        template: of its stack; asked for only where a role is the stack's.
    """
    seen = {item.service.name: _role(item, settings, template) for item in desired}
    return {**state, **{name: replace(state[name], role=role) for name, role in seen.items()}}


def role_of_release(release: Release, settings: Settings, template: ReadTemplate) -> RoleObserved:
    """What can be told of the role of a release to go back to: a rollback does not change it, and is not kept by it.

    Args:
        release: one that declares permissions.
        settings: the environment's.
        template: of its stack; asked for only where the role is the stack's.
    """
    try:
        role = _standing(release, settings, template)
    except RemoteError as error:
        return RoleObserved(note=f"{_cannot_be_told(release)}: {error.message}")
    if role is None:
        return RoleObserved(note=_cannot_be_told(release))
    lacks = _lacks(role)
    if not lacks:
        return RoleObserved()
    return RoleObserved(
        note=f"{lacks}, which release {release.revision} declares; a rollback changes no role, bootstrap makes them as "
        "the repository says"
    )


def _role(item: Desired, settings: Settings, template: ReadTemplate) -> RoleObserved:
    run = item.service.ecs_run(settings.environment)
    problems = tuple(permissions.problems(item.service))
    if problems or run.task_role:
        return RoleObserved(problems)
    role = _standing(item.draft, settings, template)
    if role is None:
        return RoleObserved(note=_cannot_be_told(item.draft) if run.permissions else "")
    lacks = _lacks(role)
    if lacks and settings.environment == LOCAL:  # whose emulator checks no role
        return RoleObserved(note=f"{lacks}; make up makes it as it is declared")
    bootstrap = f"make bootstrap ENVIRONMENT={settings.environment}"
    if lacks:
        return RoleObserved((f"{bootstrap} first: {lacks}",))
    note = f"the role {role.name} allows {_listed(role.beyond)}, which is not declared; {bootstrap} takes that away"
    return RoleObserved(note=note if role.beyond else "")


def _cannot_be_told(release: Release) -> str:
    return f"whether the role {release.ecs_run.task_role} has the permissions that are declared cannot be told here"


def _lacks(role: StandingRole) -> str:
    if role.absent:
        return f"there is no role {role.name} yet"
    return f"the role {role.name} lacks {_listed(role.lacks)}" if role.lacks else ""


def _listed(allowed: Sequence[str]) -> str:
    more = f" and {len(allowed) - _TOLD} more" if len(allowed) > _TOLD else ""
    return ", ".join(allowed[:_TOLD]) + more


def _standing(release: Release, settings: Settings, template: ReadTemplate) -> StandingRole | None:
    """How a release's role stands; None where no stack of the environment makes that role."""
    place = _place(settings, release)
    stack = template() if place else {}
    declared = ServiceRoles(release.service, permissions=release.ecs_run.permissions)
    return standing_role(stack, place, declared) if place and stack else None


def _place(settings: Settings, release: Release) -> Place | None:
    """Where an environment lies, told from the ARN of a task's role; None where the role is not its stack's."""
    name, role = names.task_role(settings.environment, release.service), release.ecs_run.task_role or ""
    found = re.fullmatch(rf"arn:([a-z-]+):iam::([0-9]{{12}}):role/{re.escape(name)}", role)
    return Place(settings.environment, found[1], settings.aws.region, found[2]) if found else None
