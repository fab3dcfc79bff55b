"""Work pools and blocks on a real server: what is made, what is changed, and what of them stays the operator's."""

from __future__ import annotations

from typing import Any

import pytest

from tools.clients.prefect_pools import PrefectPools
from tools.errors import RemoteError
from tools.model.credential import CredentialName
from tools.model.differences import same
from tools.model.names import RESULTS_BLOCK
from tools.model.prefect import Block, WorkPool
from tools.stacks.pool import results_block, work_pool
from tools.tests.samples import unique
from tools.tests.servers import ask
from tools.tests.stack_inputs import inputs

TYPE = RESULTS_BLOCK.partition("/")[0]


@pytest.fixture
def pools(prefect_api_url: str) -> PrefectPools:
    """Of the tests' server."""
    return PrefectPools(prefect_api_url)


def own_pool(security_group: str = "sg-1", secret: CredentialName | None = None) -> WorkPool:
    """A work pool of a test's own."""
    return work_pool(inputs(work_pool=unique("pool"), credential=secret), security_group)


@pytest.mark.parametrize("secret", [None, "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"])
def test_a_pool_reads_back_as_it_was_made(pools: PrefectPools, secret: CredentialName | None) -> None:
    wanted = own_pool(secret=secret)

    assert pools.pool(wanted.name) is None
    assert pools.create_pool(wanted)
    found = pools.pool(wanted.name)
    assert found
    assert same(found.model_dump(), wanted.model_dump())
    assert not pools.create_pool(wanted)


def test_a_name_that_an_address_could_misread_is_one_name(pools: PrefectPools) -> None:
    wanted = own_pool().model_copy(update={"name": unique("a pool? #1")})

    pools.create_pool(wanted)

    assert pools.pool(wanted.name) == wanted
    pools.change_template(wanted.name, {**wanted.base_job_template, "job_configuration": {"command": "x"}})
    changed = pools.pool(wanted.name)
    assert changed
    assert changed.base_job_template["job_configuration"] == {"command": "x"}


def test_a_changed_template_changes_nothing_else_of_a_pool(pools: PrefectPools, prefect_api_url: str) -> None:
    wanted = own_pool()
    pools.create_pool(wanted)
    path = f"{prefect_api_url}/work_pools/{wanted.name}"
    by_hand = {"is_paused": True, "concurrency_limit": 3, "description": "ours"}
    assert ask("PATCH", path, by_hand).ok
    assert ask("POST", f"{path}/queues", {"name": "slow", "priority": 5, "concurrency_limit": 1}).ok
    queues = ask("POST", f"{path}/queues/filter", {}).json()

    other = own_pool("sg-2").base_job_template
    pools.change_template(wanted.name, other)

    found = ask("GET", path).json()
    assert {name: found[name] for name in by_hand} == by_hand
    assert found["base_job_template"] == other
    assert [item["name"] for item in queues] == ["default", "slow"]
    assert stable(ask("POST", f"{path}/queues/filter", {}).json()) == stable(queues)


def stable(queues: list[dict[str, Any]]) -> list[Any]:
    """Queues as an operator sets them."""
    return sorted((item["name"], item["priority"], item["concurrency_limit"], item["is_paused"]) for item in queues)


def test_a_block_reads_back_as_it_was_made_and_keeps_what_is_not_ours(
    pools: PrefectPools, prefect_api_url: str
) -> None:
    wanted = results_block(inputs().place).model_copy(update={"name": unique("results")})
    assert pools.block(TYPE, wanted.name) is None
    assert pools.create_block(wanted)
    assert not pools.create_block(wanted)
    made = pools.block(TYPE, wanted.name)
    assert made
    assert made.data == wanted.data
    credentials = {"block_type_slug": "aws-credentials", "region_name": "eu-west-1"}
    assert ask("PATCH", f"{prefect_api_url}/block_documents/{made.id}", {"data": {"credentials": credentials}}).ok

    pools.change_block(made.id, {"bucket_name": "another"})

    found = pools.block(TYPE, wanted.name)
    assert found
    assert found.data == {**wanted.data, "bucket_name": "another", "credentials": credentials}


def test_a_block_of_a_type_that_the_server_does_not_know_says_what_to_do(pools: PrefectPools) -> None:
    with pytest.raises(RemoteError, match="has no block type of-nobody") as raised:
        pools.create_block(Block(type="of-nobody", name="x", data={}))
    assert "prefect block register" in raised.value.hint
