"""A service's permissions -> the statements of its role's policy, and back to what these allow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tools.model import names
from tools.model.permissions import Permission
from tools.stacks.inputs import Place
from tools.stacks.template import Json, allow


def statements(place: Place, service: str, permissions: Iterable[Permission]) -> Iterator[Json]:
    """A statement for each permission, whatever their order, called by its first action: `S3GetObject`."""
    sids: list[str] = []
    for item in sorted(filled(place, service, permissions), key=_order):
        actions, resources, conditions = _canonical(item)
        prefix, _, action = actions[0].partition(":")
        sid = "".join(word.capitalize() for word in prefix.split("-")) + action
        sids.append(sid)
        yield allow(f"{sid}{sids.count(sid)}" if sid in sids[:-1] else sid, actions, resources, conditions)


def declared_as(statement: Mapping[str, Any]) -> Permission:
    """A statement of a policy as what it would be declared as."""
    conditions = {
        operator: {key: _texts(value) for key, value in test.items()}
        for operator, test in statement.get("Condition", {}).items()
    }
    return Permission.model_construct(
        actions=_texts(statement["Action"]), resources=_texts(statement["Resource"]), conditions=conditions
    )


def filled(place: Place, service: str, permissions: Iterable[Permission]) -> Iterator[Permission]:
    """Permissions with an environment's own names in place of their placeholders."""
    values = {
        "account": place.account,
        "bucket": place.bucket,
        "cluster": names.cluster(place.environment),
        "environment": place.environment,
        "partition": place.partition,
        "region": place.region,
        "service": service,
    }
    return (item.filled(values) for item in permissions)


def _order(item: Permission) -> str:
    return json.dumps(_canonical(item), sort_keys=True)


def _canonical(item: Permission) -> tuple[list[str], list[str], Json]:
    """What a permission says, whatever the order it says it in."""
    conditions = {
        operator: {key: sorted(texts) if len(texts) > 1 else texts[0] for key, texts in test.items()}
        for operator, test in item.conditions.items()
    }
    return sorted(set(item.actions)), sorted(set(item.resources)), conditions


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
