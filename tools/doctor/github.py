"""Whether GitHub's tokens are taken by the deployer's role, by the forms in which GitHub names a workflow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from operator import eq
from typing import Any

from tools.model.findings import Check, Finding
from tools.stacks.account import ISSUER

_REMOTE = re.compile(r"(?:https://(?:[^/@]+@)?|ssh://git@|git@)github\.com[:/](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?")


def repository(remote: str) -> str | None:
    """`OWNER/NAME` of a git remote on GitHub; None where it is elsewhere."""
    found = _REMOTE.fullmatch(remote.strip())
    return found["name"] if found else None


def subject(
    check: Check, environment: str, trust: Mapping[str, Any] | None, remote: str, role: str
) -> Iterator[Finding]:
    """Whether workflows of this repository can take the deployer's role.

    Args:
        check: what is told of.
        environment: its name, and that of GitHub's environment.
        trust: who may take the role; None where there is no such role.
        remote: the address of the git remote `origin`; empty where there is none.
        role: the deployer's.
    """
    bootstrap = f"make bootstrap ENVIRONMENT={environment}, --github-repository, --github-repository-id"
    if trust is None:
        yield check.unknown(f"there is no role {role}: no workflow deploys to {environment}", bootstrap)
        return
    name = repository(remote)
    if name is None:
        yield check.unknown("the git remote `origin` is not on GitHub, so its name is not known")
        return
    subjects, identity = _taken(trust)
    forms = _forms(name, identity, environment)
    refused = [form for form in forms if not any(takes(form, text) for takes, text in subjects)]
    if refused:
        yield check.failed(
            f"{role} does not take {' and '.join(refused)}, as GitHub names a workflow of {name}; it takes "
            f"{' and '.join(text for _, text in subjects) or 'nobody of GitHub'}",
            bootstrap,
        )
    elif not identity:
        yield check.failed(
            f"{role} takes {name} by its name alone, which GitHub may give to another repository later", bootstrap
        )
    else:
        yield check.passed(f"{role} takes workflows of {name}, id {identity}, in GitHub's environment {environment}")


def _forms(name: str, identity: str, environment: str) -> list[str]:
    """`sub` of a token as GitHub forms it: by name, and by name and id for repositories made or renamed since 2026."""
    owner, _, short = name.partition("/")
    return [
        f"repo:{name}:environment:{environment}",
        f"repo:{owner}@1/{short}@{identity or '1'}:environment:{environment}",
    ]


#: How IAM compares in a condition.
_TESTS: Mapping[str, Callable[[str, str], bool]] = {"StringLike": fnmatchcase, "StringEquals": eq}


def _taken(trust: Mapping[str, Any]) -> tuple[list[tuple[Callable[[str, str], bool], str]], str]:
    """The subjects that a trust takes, each with how it is compared, and the id of the repository that is asked for."""
    subjects: list[tuple[Callable[[str, str], bool], str]] = []
    identity = ""
    for statement in _list(trust.get("Statement")):
        conditions = statement.get("Condition") or {}
        for test, takes in _TESTS.items():
            keys = conditions.get(test) or {}
            subjects += [(takes, str(item)) for item in _list(keys.get(f"{ISSUER}:sub"))]
            identity = str(next(iter(_list(keys.get(f"{ISSUER}:repository_id"))), identity))
    return subjects, identity


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
