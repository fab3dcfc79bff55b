"""The permissions of a service beside AWS's own table: whether AWS knows each action, and on what it acts.

Takes a service whose service.toml is right; gives one line for each thing that AWS would refuse, or take and never use.
Whoever asks pays for loading the table, which is why discovery does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tools.desired.aws_actions import Action, action
from tools.desired.service_toml import Source, read
from tools.desired.toml_lines import Location
from tools.errors import UserError
from tools.model.permissions import EVERYTHING, OWN_ROLE, Permission
from tools.model.service import Service

_ALONE = "put it into a permission of its own"


def check(services: Iterable[Service]) -> None:
    """Checks the permissions of services.

    Raises:
        UserError: with one line for each thing that is wrong.
    """
    found = [problem for service in services for problem in problems(service)]
    if found:
        raise UserError("\n".join(found), f"{len(found)} to mend; nothing was built or written")


def problems(service: Service) -> Iterator[str]:
    """What is wrong with the permissions of a service, for any environment, each with its file and line."""
    declared = list(_declared(service))
    if not declared:
        return
    text, raw = read(service.path / "service.toml")
    source = Source(text, raw, f"services/{service.name}/service.toml")
    for location, permission in declared:
        for below, message in _problems(permission):
            yield source.at((*location, *below), message)


def _declared(service: Service) -> Iterator[tuple[Location, Permission]]:
    """Each permission with its place in service.toml."""
    runs = {(): service.declaration.ecs_run.permissions} | {
        ("environments", name): item.ecs_run.permissions or ()
        for name, item in service.declaration.environments.items()
    }
    for location, permissions in runs.items():
        for index, permission in enumerate(permissions):
            yield (*location, "ecs_run", "permissions", index), permission


def _problems(permission: Permission) -> Iterator[tuple[Location, str]]:
    known: list[Action] = []
    for index, name in enumerate(permission.actions):
        try:
            known.append(action(name))
        except ValueError as error:
            yield ("actions", index), str(error)
        else:
            if known[-1].changes_rights:
                yield ("actions", index), f"{name} changes who may do what; {OWN_ROLE}"
    for item in known:
        yield from _misfits(item, permission)


def _misfits(item: Action, permission: Permission) -> Iterator[tuple[Location, str]]:
    """Resources that an action does not act on, and condition keys that it does not have."""
    for index, resource in enumerate(permission.resources):
        problem = _misfit(item, resource)
        if problem:
            yield ("resources", index), problem
    for operator, test in permission.conditions.items():
        for key in test:
            if not item.knows(key):
                yield ("conditions", operator, key), f"AWS gives {item.name} no such key: it would never be allowed"


def _misfit(item: Action, resource: str) -> str | None:
    """Why an action cannot be allowed on a resource."""
    forms = " or ".join(_shown(form) for form in item.forms)
    if not item.forms:
        alone = f"{item.name} can be allowed on everything or not at all, its resource is {EVERYTHING!r}; {_ALONE}"
        return alone if resource != EVERYTHING else None
    if resource == EVERYTHING:
        return f"{EVERYTHING!r} is everything, and {item.name} acts on {forms}; name which"
    filled = re.sub(r"\{(\w+)\}", r"\1", resource)
    return None if item.takes(filled) else f"{item.name} does not act on {resource}, it acts on {forms}; {_ALONE}"


def _shown(form: str) -> str:
    """A form as service.toml would say it: what the environment has by its placeholders, the rest as NAMES."""
    for ours in ("Partition", "Region", "Account"):
        form = form.replace(f"${{{ours}}}", f"{{{ours.lower()}}}")
    return re.sub(r"\$\{(\w+)\}", lambda found: re.sub(r"(?<!^)(?=[A-Z])", "-", found[1]).upper(), form)
