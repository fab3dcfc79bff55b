"""IAM as the doctor relies on it, on two emulators."""

from __future__ import annotations

import json

import pytest

from tools.clients.iam import Iam
from tools.settings import Connection
from tools.tests.samples import unique
from tools.tests.servers import EMULATORS
from tools.tests.standing import Standing

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_role_is_found_by_its_name_and_by_its_arn_with_who_may_take_it(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    name = unique("role")
    made = (
        Standing(connection, "any")
        .client("iam")
        .create_role(RoleName=name, Path="/of/ours/", AssumeRolePolicyDocument=json.dumps(TRUST))
    )
    iam = Iam(connection)

    assert iam.trust(name) == iam.trust(made["Role"]["Arn"]) == TRUST
    assert iam.trust(unique("never")) is None
