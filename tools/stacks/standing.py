"""The stack of an environment's roles as it stands + what a service declares -> what its role lacks or has beyond."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.model import names
from tools.model.permissions import ALWAYS, allowances
from tools.model.stacks import Template
from tools.stacks.inputs import Place, ServiceRoles
from tools.stacks.permissions import declared_as, filled
from tools.stacks.roles import be_a_flow


@dataclass(frozen=True)
class StandingRole:
    """A service's role beside what the service declares, each permission as `s3:GetObject on arn:…`."""

    name: str
    absent: bool = False
    lacks: tuple[str, ...] = ()
    """What is declared, and the role does not allow."""
    beyond: tuple[str, ...] = ()
    """What the role allows, and neither every flow may nor this one declares."""


def standing_role(template: Template, place: Place, item: ServiceRoles) -> StandingRole:
    """How a service's role stands.

    Args:
        template: of the stack, as it stands.
        place: where the environment lies.
        item: the service, with what it declares today.
    """
    name = names.task_role(place.environment, item.service)
    resources = (resource["Properties"] for resource in template["Resources"].values())
    role = next((properties for properties in resources if properties.get("RoleName") == name), None)
    if role is None:
        return StandingRole(name, absent=True)
    there = _allowances(each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"])
    declared = allowances(filled(place, item.service, item.permissions))
    every_flow = _allowances(be_a_flow(place, ServiceRoles(item.service)))
    return StandingRole(name, lacks=_told(declared - there), beyond=_told(there - declared - every_flow))


def _allowances(policy: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return allowances(map(declared_as, policy))


def _told(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(what if when == ALWAYS else f"{what} {when}" for what, when in sorted(found))
