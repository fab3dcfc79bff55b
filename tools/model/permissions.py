"""What a flow may do in AWS beyond what every flow may: `Permission`, in AWS's own words with placeholders.

Checked when made, as far as that can be told from the words alone. Whether AWS knows an action, and what it acts on,
`tools/desired/permissions.py` asks AWS's table.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictStr

from tools.model.rules import Form, Frozen, rule

PLACEHOLDERS = ("account", "bucket", "cluster", "environment", "partition", "region", "service")
_IN_BRACES = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
EVERYTHING = "*"
ALWAYS = "always"
"""When something is allowed without conditions."""
_OPERATORS = frozenset(
    {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "BinaryEquals", "Bool", "IpAddress", "NotIpAddress", "Null"}
    | {f"{kind}{test}" for kind in ("Date", "Numeric") for test in ("Equals", "NotEquals")}
    | {
        f"{kind}{than}Than{equals}"
        for kind in ("Date", "Numeric")
        for than in ("Less", "Greater")
        for equals in ("", "Equals")
    }
    | {f"String{test}{case}" for test in ("Equals", "NotEquals") for case in ("", "IgnoreCase")}
    | {"StringLike", "StringNotLike"}
)
#: With these a flow takes over what runs with another role, or the other role itself.
_TAKES_OVER = re.compile(
    r"(iam|sts|sso|organizations):.+|ecs:ExecuteCommand|ssm:(SendCommand|StartAutomationExecution|StartSession)"
    r"|lambda:UpdateFunction(Code|Configuration)|ec2-instance-connect:.+|glue:UpdateDevEndpoint"
    r"|cloudformation:(CreateChangeSet|CreateStack|ExecuteChangeSet|UpdateStack)"
    r"|sagemaker:CreatePresigned(Domain|NotebookInstance)Url",
    re.IGNORECASE,
)
OWN_ROLE = "what needs it takes a role of its own, made by whoever answers for it: task_role"


def _known_placeholders(value: str) -> str:
    for name in re.findall(r"\{([^{}]*)\}", value):
        if name not in PLACEHOLDERS:
            close = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
            guess = f"did you mean {{{close[0]}}}? " if close else ""
            raise ValueError(f"{{{name}}} is no placeholder; {guess}there are {_IN_BRACES}")
    if re.search(r"[{}]", re.sub(r"\{\w+\}", "", value)):
        raise ValueError(f"{value!r} has a brace that belongs to no placeholder")
    return value


def _stays_what_it_is(action: str) -> str:
    if _TAKES_OVER.fullmatch(action):
        raise ValueError(f"{action} could let a flow become more than it is; {OWN_ROLE}")
    return action


def _arn(value: str) -> str:
    """Refuses what is no ARN, and one that leaves open whose or what it is."""
    if value == EVERYTHING:
        return value
    parts = value.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not (parts[1] and parts[2]) or re.search(r"\s", value):
        raise ValueError(
            f"{value!r} is no ARN, e.g. arn:{{partition}}:s3:::{{bucket}}/raw/*; {EVERYTHING!r} stands only for what "
            "AWS has no resources for"
        )
    for word, part in zip(("partition", "service", "region", "account"), parts[1:5], strict=True):
        if re.search(r"[*?]", part):
            raise ValueError(
                f"{value!r} leaves the {word} open; name it" + (f": {{{word}}}" if word != "service" else "")
            )
    if not parts[5] or parts[5][0] in "*?":
        raise ValueError(f"{value!r} names nothing; something must stand before its first *")
    return value


def _operator(value: str) -> str:
    name = re.sub(r"^(ForAllValues|ForAnyValue):|IfExists$", "", value)
    if name not in _OPERATORS:
        close = difflib.get_close_matches(name, sorted(_OPERATORS), n=1)
        guess = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(_OPERATORS))}"
        raise ValueError(f"{value!r} is no condition of AWS; {guess}")
    return value


def _some(value: Any) -> Any:
    if not value:
        raise ValueError("it is empty")
    return value


def _each(value: Any) -> Any:
    """One value may be a text."""
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"must be text or an array of texts, found {value!r}")
    return (value,) if isinstance(value, str) else value


ActionName = Annotated[
    StrictStr,
    Form(r"[a-z0-9-]+:[A-Za-z0-9]+", "one action of AWS as service:Action, without *, e.g. s3:GetObject"),
    rule(_stays_what_it_is),
]
Resource = Annotated[StrictStr, rule(_known_placeholders), rule(_arn)]
Operator = Annotated[StrictStr, rule(_operator)]
ConditionKey = Annotated[StrictStr, Form(r"[A-Za-z0-9-]+:\S+", "a condition key, e.g. aws:ResourceTag/team")]
ConditionValue = Annotated[StrictStr, rule(_known_placeholders)]
ConditionValues = Annotated[
    tuple[ConditionValue, ...],
    BeforeValidator(lambda value: _each(value), json_schema_input_type=str | tuple[str, ...]),
    rule(_some),
]
Conditions = dict[Operator, Annotated[dict[ConditionKey, ConditionValues], rule(_some)]]


class Permission(Frozen):
    """A statement of the policy of a flow's role: what it may do, to what, and when."""

    actions: Annotated[tuple[ActionName, ...], rule(_some)] = Field(
        description="`Action`: each is named in full, e.g. s3:GetObject"
    )
    resources: Annotated[tuple[Resource, ...], rule(_some)] = Field(
        description=f"`Resource`: ARNs of what all of the actions act on; {_IN_BRACES} stand for the environment's"
    )
    conditions: Conditions = Field(
        default_factory=dict, description='`Condition`, e.g. { StringEquals = { "aws:ResourceTag/team" = "data" } }'
    )

    def filled(self, values: Mapping[str, str]) -> Permission:
        """The same with values in place of its placeholders; one of the past that is none today stays."""

        def each(texts: Iterable[str]) -> tuple[str, ...]:
            return tuple(re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], name[0]), text) for text in texts)

        conditions = {
            operator: {key: each(texts) for key, texts in test.items()} for operator, test in self.conditions.items()
        }
        return self.model_copy(update={"resources": each(self.resources), "conditions": conditions})


def allowances(permissions: Iterable[Permission]) -> set[tuple[str, str]]:
    """What permissions allow, however they are ordered and grouped: `s3:GetObject on arn:…`, and when."""
    return {
        (f"{action} on {resource}", _when(item.conditions))
        for item in permissions
        for action in item.actions
        for resource in item.resources
    }


def allowed(permissions: Iterable[Permission]) -> dict[str, str]:
    """The same as an object, whose differences are told one by one."""
    found: dict[str, list[str]] = {}
    for what, when in sorted(allowances(permissions)):
        found.setdefault(what, []).append(when)
    return {what: " or ".join(when) for what, when in found.items()}


def _when(conditions: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    if not conditions:
        return ALWAYS
    sorted_values = {
        operator: {key: sorted(texts) for key, texts in test.items()} for operator, test in conditions.items()
    }
    return f"where {json.dumps(sorted_values, ensure_ascii=False, sort_keys=True)}"
