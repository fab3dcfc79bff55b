"""What an environment has in Prefect meets the Prefect API: work pool and results block, looked at and made."""

from __future__ import annotations

from collections.abc import Mapping

from tools.clients.prefect_pools import PrefectPools
from tools.environment.bootstrap import Account
from tools.environment.stacks import Step
from tools.errors import RefusedKeyError
from tools.model import names
from tools.model.credential import CREDENTIALS, Credential
from tools.model.prefect import Block, WorkPool
from tools.model.stacks import StackSteps
from tools.settings import LOCAL
from tools.stacks.changes import block_steps, pool_steps
from tools.stacks.inputs import Inputs
from tools.stacks.pool import results_block, work_pool

NAME = "Prefect"
_UNREACHED = "check PREFECT_API_URL and the network, then run this again"


def reach_prefect(account: Account, inputs: Inputs, given: Mapping[str, str]) -> PrefectPools:
    """The environment's Prefect API.

    Args:
        account: where the environment's parameters lie, what the API wants to be shown among them.
        inputs: of the environment.
        given: by the process environment and `.env`; for Local it says nothing: it is of another one.
    """
    if account.environment == LOCAL:
        return PrefectPools(inputs.prefect_api_url, None, "start the local cloud: make up")
    known = ((name, given.get(name) or account.stored.get(name)) for name in CREDENTIALS)
    credential = next((Credential(name, value) for name, value in known if value), None)
    return PrefectPools(inputs.prefect_api_url, credential, _UNREACHED)


def prefect_steps(api: PrefectPools, account: Account, inputs: Inputs, *, to_be_made: bool) -> StackSteps:
    """What would be done in Prefect. Reads only.

    Args:
        api: see `reach_prefect`.
        account: see `reach_prefect`.
        inputs: of the environment.
        to_be_made: whether it is made next. A look alone needs no key: it may come before there is one.

    Raises:
        UserError: the name of the work pool is that of a pool of another type.
        RemoteError: the API cannot be reached, or wants a key for what is to be made.
    """
    pool, block = _wanted(account, inputs)
    try:
        standing = api.pool(pool.name), api.block(block.type, block.name)
    except RefusedKeyError:
        if to_be_made:
            raise
        note = "it wants a key, and was not looked at; where it lacks them"
        return StackSteps(NAME, "change", (*pool_steps(None, pool), *block_steps(None, block)), note)
    steps = (*pool_steps(standing[0], pool), *block_steps(standing[1], block))
    return StackSteps(NAME, "change" if steps else "unchanged", steps)


def settle(api: PrefectPools, account: Account, inputs: Inputs, step: Step) -> None:
    """Makes it so, when the stacks stand. Where a reply was lost, or somebody else was first, it is read again.

    Raises:
        UserError: see `prefect_steps`.
        RemoteError: Prefect refused or did not answer, or does not know the type of the block.
    """
    pool, block = _wanted(account, inputs)
    _settle_pool(api, pool, step)
    _settle_block(api, block, step)


def _settle_pool(api: PrefectPools, pool: WorkPool, step: Step) -> None:
    standing = api.pool(pool.name)
    if standing is None:
        step(NAME, f"work pool {pool.name}: creating")
        standing = None if api.create_pool(pool) else api.pool(pool.name)
    if standing and list(pool_steps(standing, pool)):
        step(NAME, f"work pool {pool.name}: changing")
        api.change_template(pool.name, pool.base_job_template)


def _settle_block(api: PrefectPools, block: Block, step: Step) -> None:
    standing = api.block(block.type, block.name)
    if standing is None:
        step(NAME, f"block {block.full_name}: creating")
        standing = None if api.create_block(block) else api.block(block.type, block.name)
    if standing and list(block_steps(standing, block)):
        step(NAME, f"block {block.full_name}: changing")
        api.change_block(standing.id, block.data)


def _wanted(account: Account, inputs: Inputs) -> tuple[WorkPool, Block]:
    """The security group is the run stack's, and has no id before that stack stands."""
    name = names.stack(account.environment, "run")
    standing = account.stacks.stack(name)
    group = standing.outputs.get("SecurityGroup") if standing else None
    return work_pool(inputs, group or f"that of {name}"), results_block(inputs.place)
