"""What a service declares is what its role allows, whatever its order; what a role lacks or has beyond it is found."""

from __future__ import annotations

from typing import Any

import pytest

from tools.errors import UserError
from tools.model.permissions import Permission
from tools.stacks.inputs import Place, ServiceRoles
from tools.stacks.permissions import statements
from tools.stacks.run import run_stack
from tools.stacks.standing import StandingRole, standing_role
from tools.stacks.template import NO_RESOURCE_LEVEL
from tools.tests.stack_inputs import inputs

PLACE = Place("Dev", "aws", "us-east-1", "000000000000")
BUCKET = "data-flows-000000000000-us-east-1-dev"
LAKE = "arn:aws:s3:::{bucket}/lake/*"
READ = {"actions": ["s3:GetObject"], "resources": ["arn:{partition}:s3:::{bucket}/raw/*"]}
TAGGED = {"conditions": {"StringEquals": {"aws:ResourceTag/service": "{service}", "aws:ResourceTag/x": ["b", "a"]}}}
SEND = {"actions": ["sqs:SendMessage"], "resources": ["arn:{partition}:sqs:{region}:{account}:{environment}-{service}"]}


def declared(*items: dict[str, Any]) -> tuple[Permission, ...]:
    """Permissions as service.toml says them."""
    return tuple(Permission.model_validate(item) for item in items)


def rendered(*items: dict[str, Any]) -> list[dict[str, Any]]:
    """Their statements for the service hello."""
    return list(statements(PLACE, "hello", declared(*items)))


def template(*items: dict[str, Any]) -> dict[str, Any]:
    """The stack of an environment whose service hello declares them."""
    return run_stack(inputs(services=(ServiceRoles("hello", permissions=declared(*items)),))).template


def standing(stands: list[dict[str, Any]], *wanted: dict[str, Any]) -> StandingRole:
    """How the role of the service hello stands, where it was made when other permissions were declared."""
    return standing_role(template(*stands), PLACE, ServiceRoles("hello", permissions=declared(*wanted)))


def test_a_permission_is_a_statement_with_the_environment_s_names_in_it() -> None:
    assert rendered(READ, {**SEND, **TAGGED}) == [
        {
            "Sid": "S3GetObject",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{BUCKET}/raw/*"],
        },
        {
            "Sid": "SqsSendMessage",
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:aws:sqs:us-east-1:000000000000:Dev-hello"],
            "Condition": {"StringEquals": {"aws:ResourceTag/service": "hello", "aws:ResourceTag/x": ["a", "b"]}},
        },
    ]


def test_the_order_in_which_it_is_said_changes_nothing() -> None:
    both = {"actions": ["s3:PutObject", "s3:GetObject"], "resources": ["arn:aws:s3:::b/*", "arn:aws:s3:::a/*"]}
    turned = {name: [*texts[::-1], texts[0]] for name, texts in both.items()}

    assert rendered(SEND, both) == rendered(turned, SEND)


def test_every_statement_has_a_name_of_its_own_and_none_of_the_platform_s() -> None:
    twice = [{**READ, "resources": [f"arn:aws:s3:::{name}/*"]} for name in "abc"]
    sids = [item["Sid"] for item in rendered(*twice, {"actions": ["ecr-public:GetX"], "resources": ["*"]})]

    assert sids == ["EcrPublicGetX", "S3GetObject", "S3GetObject2", "S3GetObject3"]
    role = template(READ)["Resources"]["TaskRolehello"]["Properties"]
    all_of_them = [item["Sid"] for item in role["Policies"][0]["PolicyDocument"]["Statement"]]
    assert all_of_them == ["UseLake", "KeepResults", "FindObjects", "S3GetObject"]
    assert NO_RESOURCE_LEVEL not in all_of_them


def test_what_is_more_than_a_role_holds_is_refused() -> None:
    many = [{**READ, "resources": [f"arn:aws:s3:::example-{number}/*"]} for number in range(100)]

    with pytest.raises(UserError, match=r"permissions of hello make a policy of .* IAM allows a role 10240"):
        template(*many)


@pytest.mark.parametrize(
    ("stands", "wanted", "lacks"),
    [
        ([READ, SEND], [SEND, READ], []),
        ([READ], [], []),
        ([], [READ], [f"s3:GetObject on arn:aws:s3:::{BUCKET}/raw/*"]),
        ([READ], [READ, SEND], ["sqs:SendMessage on arn:aws:sqs:us-east-1:000000000000:Dev-hello"]),
        ([{**READ, "actions": ["s3:GetObject", "s3:PutObject"]}], [READ], []),
        # What every flow may, a flow need not be given again.
        ([], [{**READ, "resources": [LAKE]}], []),
        ([{**READ, "resources": [LAKE], **TAGGED}], [{**READ, "resources": [LAKE], **TAGGED}], []),
        ([{**SEND, **TAGGED}, SEND], [{**SEND, **TAGGED}], []),
        (
            [SEND],
            [{**SEND, "conditions": {"Bool": {"aws:SecureTransport": "true"}}}],
            [
                "sqs:SendMessage on arn:aws:sqs:us-east-1:000000000000:Dev-hello "
                'where {"Bool": {"aws:SecureTransport": ["true"]}}'
            ],
        ),
    ],
)
def test_what_a_role_lacks_is_what_is_declared_and_not_in_its_policy(
    stands: list[dict[str, Any]], wanted: list[dict[str, Any]], lacks: list[str]
) -> None:
    assert list(standing(stands, *wanted).lacks) == lacks


def test_what_a_role_allows_beyond_is_neither_declared_nor_what_every_flow_may() -> None:
    sends = "sqs:SendMessage on arn:aws:sqs:us-east-1:000000000000:Dev-hello"

    assert standing([READ, SEND], READ) == StandingRole("data-flows-Dev-task-hello", beyond=(sends,))
    assert standing([READ], READ) == standing([]) == StandingRole("data-flows-Dev-task-hello")
    only_where = standing([{**SEND, **TAGGED}], SEND)
    assert only_where.lacks == (sends,)
    assert [item.partition(" where ")[0] for item in only_where.beyond] == [sends]


def test_a_role_that_is_not_there_is_not_one_that_lacks_something() -> None:
    found = standing_role(template(), PLACE, ServiceRoles("other", permissions=declared(READ)))

    assert found == StandingRole("data-flows-Dev-task-other", absent=True)
