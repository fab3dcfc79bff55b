"""What an environment stands on: where it is found, what is refused."""

from __future__ import annotations

import pytest

from tools.clients.aws import unreachable
from tools.environment.bootstrap import reach
from tools.environment.ground import ASKED, Ground, found, ground, missing, network_problems
from tools.errors import RemoteError, UserError
from tools.repository import DOTENV
from tools.settings import Connection

STORED = {
    "VPC": "vpc-0a1b2c3d",
    "SUBNETS": "subnet-0a1b2c3d,subnet-4e5f6a7b",
    "PREFECT_API_URL": "https://prefect.example.com/api/",
    "WORKER_IMAGE": f"worker@sha256:{'0' * 64}",
}
STANDS = ground("Dev", found("Dev", {}, {}, STORED))
ZONES = {"subnet-0a1b2c3d": ("vpc-0a1b2c3d", "eu-west-1a"), "subnet-4e5f6a7b": ("vpc-0a1b2c3d", "eu-west-1b")}


def test_what_an_earlier_bootstrap_left_is_enough() -> None:
    assert (
        Ground(
            vpc="vpc-0a1b2c3d",
            subnets=("subnet-0a1b2c3d", "subnet-4e5f6a7b"),
            prefect_api_url="https://prefect.example.com/api",
            work_pool="data-flows",
            worker_image=STORED["WORKER_IMAGE"],
            alarm_topic=None,
            repository=None,
        )
        == STANDS
    )


def test_a_flag_goes_before_the_process_and_that_before_the_store_and_an_empty_flag_takes_back() -> None:
    given = {"VPC": "vpc-11111111", "WORK_POOL": "other"}
    values = found("Dev", {"VPC": "vpc-22222222", "WORKER_IMAGE": ""}, given, STORED)

    assert (values["VPC"], values["WORK_POOL"], values["WORKER_IMAGE"]) == ("vpc-22222222", "other", "")
    assert ground("Dev", values).worker_image is None


def test_all_that_is_missing_is_told_at_once_with_where_it_was_looked_for() -> None:
    values = found("Dev", {}, {}, {})
    assert missing(values) == list(ASKED)
    with pytest.raises(UserError) as refused:
        ground("Dev", values)

    assert refused.value.message.splitlines() == [
        f"{name} is missing: neither --{name.lower().replace('_', '-')}, nor in the process environment, nor in .env, "
        f"nor at /DataFlows/Dev/{name}"
        for name in ASKED
    ]


BAD_VALUES: dict[str, tuple[dict[str, str], str]] = {
    "one subnet only": (
        {"SUBNETS": "subnet-0a1b2c3d"},
        "SUBNETS is 'subnet-0a1b2c3d' (--subnets); it must be the ids of two subnets or more, joined by commas: "
        "subnet-…,subnet-…",
    ),
    "a name for a VPC": ({"VPC": "main"}, "VPC is 'main' (--vpc); it must be the id of a VPC, vpc-…"),
    "a worker by its tag": (
        {"WORKER_IMAGE": "worker:latest"},
        "WORKER_IMAGE is 'worker:latest' (--worker-image); it must be an image by its digest, …@sha256:…, or none",
    ),
    "a repository that may get another's name": (
        {"GITHUB_REPOSITORY": "example/data-flows"},
        "GITHUB_REPOSITORY and GITHUB_REPOSITORY_ID go together: a name can be given to another repository, an id "
        "cannot (gh api repos/OWNER/NAME --jq .id)",
    ),
    "the UI's address": (
        {"PREFECT_API_URL": "https://prefect.example.com"},
        "PREFECT_API_URL is https://prefect.example.com; a Prefect API's address has /api in it, the UI's has not",
    ),
}


@pytest.mark.parametrize(("said", "expected"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_value_that_cannot_be_is_told_with_where_it_stands(said: dict[str, str], expected: str) -> None:
    with pytest.raises(UserError) as refused:
        found("Dev", said, {}, STORED)

    assert refused.value.message == expected


NETWORKS: dict[str, tuple[dict[str, tuple[str, str]] | None, list[str]]] = {
    "right": (ZONES, []),
    "of another region": (None, ["the VPC vpc-0a1b2c3d is not in eu-west-1, or not in this account"]),
    "a subnet of another region": (
        {"subnet-0a1b2c3d": ZONES["subnet-0a1b2c3d"]},
        ["the subnet subnet-4e5f6a7b is not in eu-west-1, or not in this account"],
    ),
    "a subnet of another VPC": (
        {**ZONES, "subnet-4e5f6a7b": ("vpc-ffffffff", "eu-west-1b")},
        ["the subnet subnet-4e5f6a7b belongs to the VPC vpc-ffffffff, not to vpc-0a1b2c3d"],
    ),
    "all in one zone": (
        dict.fromkeys(ZONES, ("vpc-0a1b2c3d", "eu-west-1a")),
        ["all subnets lie in the zone eu-west-1a: flows would stand still with it; two zones are needed"],
    ),
}


@pytest.mark.parametrize(("zones", "problems"), NETWORKS.values(), ids=NETWORKS)
def test_a_network_that_cannot_be_is_told(zones: dict[str, tuple[str, str]] | None, problems: list[str]) -> None:
    assert list(network_problems(STANDS, "eu-west-1", zones)) == problems


def test_local_is_made_in_the_local_cloud_whatever_is_exported() -> None:
    exported = {"AWS_PORT": "1", "AWS_ENDPOINT_URL": "http://127.0.0.1:2", "AWS_REGION": "eu-west-1"}
    with pytest.raises(RemoteError, match=r"the AWS emulator does not answer at http://127.0.0.1:1 ") as refused:
        reach("Local", exported, DOTENV)
    assert refused.value.hint == "start the local cloud: make up"


def test_a_region_that_is_none_is_the_user_s_to_mend() -> None:
    error = unreachable(Connection("eu-wst-1"), "reading")

    assert isinstance(error, UserError)
    assert error.hint == "did you mean eu-west-1? AWS_REGION=eu-west-1"
    assert isinstance(unreachable(Connection("eu-west-1"), "reading"), RemoteError)
