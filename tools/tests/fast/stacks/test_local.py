"""Local is an environment like the others: its settings are what its stacks say, and the emulator makes no more."""

from __future__ import annotations

from dataclasses import replace

from guard import stacks as guard

from tools.settings import local_settings
from tools.stacks.data import data_stack
from tools.stacks.inputs import Place
from tools.stacks.pool import work_pool
from tools.stacks.run import run_stack
from tools.tests.stack_inputs import inputs, of_kind

SETTINGS = local_settings({})
GIVEN = replace(
    inputs(),
    place=Place("Local", "aws", SETTINGS.aws.region, str(SETTINGS.account)),
    prefect_api_url=SETTINGS.prefect_api_url,
    work_pool=SETTINGS.work_pool,
    credential=None,
    worker_image=None,
    repository=None,
    alarm_topic=None,
    emulated=True,
)
STACKS = (data_stack(GIVEN), run_stack(GIVEN))


def test_its_settings_follow_from_its_ports_and_are_those_that_its_stack_stores() -> None:
    parameters = {item["Name"].rsplit("/", 1)[1]: item["Value"] for item in of_kind("SSM::Parameter", *STACKS).values()}

    assert (
        parameters.items()
        >= {
            "PREFECT_API_URL": SETTINGS.prefect_api_url,
            "WORK_POOL": SETTINGS.work_pool,
            "EXECUTION_ROLE": SETTINGS.execution_role,
            "TASK_ROLE": SETTINGS.task_role,
            "LOG_GROUP": SETTINGS.log_group,
            "LAKE_URL": SETTINGS.lake_url,
            "AWS_ACCOUNT_ID": SETTINGS.account,
        }.items()
    )


def test_its_stacks_have_what_the_emulator_may_make_and_it_may_make_nothing_else() -> None:
    kinds = {item["Type"] for stack in STACKS for item in stack.template["Resources"].values()}

    assert kinds == guard.KINDS


def test_its_tasks_have_keys_that_are_worth_nothing_elsewhere() -> None:
    job = work_pool(GIVEN, "sg-1").base_job_template["job_configuration"]

    assert job["env"] == {"AWS_ACCESS_KEY_ID": SETTINGS.aws.key, "AWS_SECRET_ACCESS_KEY": SETTINGS.aws.key}
