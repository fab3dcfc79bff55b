"""The environment Local, made in the local cloud as every other one is made in AWS. Says nothing; tells its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tools.environment.bootstrap import gather, reach
from tools.environment.pools import reach_prefect, settle
from tools.environment.stacks import Step, carry_out, prepared
from tools.settings import LOCAL


def make_local(root: Path, variables: Mapping[str, str], step: Step) -> None:
    """Makes what Local lacks; changes nothing where it lacks nothing.

    Args:
        root: the repository.
        variables: of `.env` and of this process; of these the ports count.
        step: told what is being done.

    Raises:
        UserError: the repository's services are broken, or the work pool is another's.
        RemoteError: the local cloud does not answer, or something could not be made, and why.
    """
    account = reach(LOCAL, variables, root / ".env")
    inputs = gather(root, account, {}, variables, None)
    with prepared(account, inputs) as items:
        carry_out(account, items, step)
    settle(reach_prefect(account, inputs, variables), account, inputs, step)
