"""The stack of an environment's roles as it stands + what a service declares -> what its role lacks or has beyond."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.model import names
from tools.model.stacks import Template
from tools.stacks.inputs import Place, ServiceRoles
from tools.stacks.permissions import allowed_by, statements
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
    there = allowed_by(each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"])
    declared = allowed_by(statements(place, item.service, item.permissions))
    rendered = allowed_by(be_a_flow(place, item))
    return StandingRole(name, lacks=tuple(_without(declared, there)), beyond=tuple(_without(there, rendered)))


def _without(allowed: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    """What one allows, and not the other in just this way."""
    for what, when in allowed.items():
        if other.get(what) != when:
            yield what if when == "always" else f"{what} {when}"
