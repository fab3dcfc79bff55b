"""The work pool's job template: where tasks start, which secret is named, and that nothing in it is idle."""

from __future__ import annotations

import json
import re

import pytest

from tools.model.credential import CredentialName
from tools.stacks.pool import results_block, work_pool
from tools.tests.stack_inputs import inputs

TEMPLATE = work_pool(inputs(credential=None), "sg-1").base_job_template


def test_tasks_start_in_the_environment_s_cluster_and_subnets_without_a_public_address() -> None:
    variables = TEMPLATE["variables"]["properties"]
    defaults = {name: item["default"] for name, item in variables.items() if "default" in item}

    assert defaults["cluster"] == "data-flows-Dev"
    assert defaults["subnets"] == ["subnet-00000001", "subnet-00000002"]
    assert defaults["security_groups"] == ["sg-1"]
    assert defaults["assign_public_ip"] == "DISABLED"


def test_each_variable_is_used_and_each_that_is_used_is_one() -> None:
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(TEMPLATE["job_configuration"])))

    assert used == set(TEMPLATE["variables"]["properties"])


def test_a_task_has_the_tags_of_its_task_definition() -> None:
    assert TEMPLATE["job_configuration"]["task_run_request"]["propagateTags"] == "TASK_DEFINITION"


@pytest.mark.parametrize(
    ("secret", "named"),
    [
        (None, {}),
        ("PREFECT_API_KEY", {"prefect_api_key_secret_arn": "PREFECT_API_KEY"}),
        ("PREFECT_API_AUTH_STRING", {"prefect_api_auth_string_secret_arn": "PREFECT_API_AUTH_STRING"}),
    ],
)
def test_the_secret_that_the_worker_has_is_named_and_no_other(
    secret: CredentialName | None, named: dict[str, str]
) -> None:
    job = work_pool(inputs(credential=secret), "sg-1").base_job_template["job_configuration"]

    root = "arn:aws:ssm:us-east-1:000000000000:parameter/DataFlows/Dev"
    assert {name: job[name] for name in job if "secret" in name} == {
        field: f"{root}/{parameter}" for field, parameter in named.items()
    }


def test_results_lie_in_the_environment_s_bucket() -> None:
    block = results_block(inputs().place)

    assert block.full_name == "s3-bucket/data-flows-results"
    assert block.data == {"bucket_name": inputs().place.bucket, "bucket_folder": "results"}
