"""Whether policies allow what a call needs, by AWS's rules, and what of them nothing needs.

Knows Allow and Deny, wildcards in actions and resources, and the conditions that our own policies have. Whatever else a
policy may say is refused: an element that is not understood must not count as one that allows.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
_SEGMENTS = 5
"""Colons of an ARN before its resource; no wildcard reaches across one of them."""


@dataclass(frozen=True)
class Need:
    """What a call needs: an action on a resource, asked with some condition keys."""

    action: str
    resource: str = "*"
    """An ARN; `*` where AWS knows no resource for the action."""
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        said = "".join(f", {key} = {value}" for key, value in sorted(self.keys.items()))
        return f"{self.action} on {self.resource}{said}"


@dataclass(frozen=True)
class Grant:
    """One action on one resource that a statement allows or denies."""

    sid: str
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.sid}: {self.action} on {self.resource}"


def allows(statements: Iterable[Statement], need: Need) -> bool:
    """Whether some statement allows it, and none denies it."""
    effects = {statement["Effect"] for statement in statements if granted(statement, need)}
    return effects == {"Allow"}


def granted(statement: Statement, need: Need) -> list[Grant]:
    """What of a statement applies to a need.

    Raises:
        ValueError: the statement says what is not understood here.
    """
    if unknown := set(statement) - _ELEMENTS:
        raise ValueError(f"a statement with {', '.join(sorted(unknown))}, which this evaluator does not know")
    if not all(_holds(operator, tests, need.keys) for operator, tests in statement.get("Condition", {}).items()):
        return []
    return [
        grant
        for grant in grants(statement)
        if _action_fits(grant.action, need.action) and _resource_fits(grant.resource, need.resource)
    ]


def grants(statement: Statement) -> Iterator[Grant]:
    """Every action of a statement on every resource; a policy of trust is about the role itself."""
    for action in _listed(statement["Action"]):
        for resource in _listed(statement.get("Resource", "*")):
            yield Grant(statement.get("Sid", ""), action, resource)


def needless(statements: Sequence[Statement], needs: Iterable[Need]) -> list[Grant]:
    """What the statements allow and none of the calls needs."""
    used = {grant for need in needs for statement in statements for grant in granted(statement, need)}
    return [grant for statement in statements for grant in grants(statement) if grant not in used]


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _action_fits(pattern: str, action: str) -> bool:
    return _fits(pattern.lower(), action.lower())


def _resource_fits(pattern: str, resource: str) -> bool:
    if pattern == "*":
        return True
    patterns, parts = pattern.split(":", _SEGMENTS), resource.split(":", _SEGMENTS)
    return len(patterns) == len(parts) and all(map(_fits, patterns, parts))


def _fits(pattern: str, value: str) -> bool:
    if "${" in pattern:
        raise ValueError(f"{pattern}: this evaluator knows no policy variables")
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL) is not None


def _equal(wanted: str, value: str) -> bool:
    return wanted == value


def _equal_but_for_case(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


#: An operator's comparison, and whether it holds where no value matches: then it does without the key, too.
_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringLike": (_fits, False),
    "ArnEquals": (_resource_fits, False),
    "ArnLike": (_resource_fits, False),
    "Bool": (_equal_but_for_case, False),
}


def _holds(operator: str, tests: Mapping[str, str | Sequence[str]], keys: Mapping[str, str]) -> bool:
    if operator not in _OPERATORS:
        raise ValueError(f"the condition {operator}, which this evaluator does not know")
    compare, negated = _OPERATORS[operator]
    given = {key.lower(): value for key, value in keys.items()}
    return all(
        any(key.lower() in given and compare(wanted, given[key.lower()]) for wanted in _listed(values)) is not negated
        for key, values in tests.items()
    )
