"""What is done before the stacks of an environment are made, because they stand on it: its secret, the worker's image.

And how the account's registry keeps layers. `needed` reads; only `carry_out` writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tools.clients.engine import Engine
from tools.environment.bootstrap import Account
from tools.environment.credentials import path, store, wanted
from tools.environment.worker_image import push, to_be_pushed
from tools.errors import UserError
from tools.model.credential import CREDENTIALS, WORDS, Credential, CredentialName
from tools.model.images import OnProgress
from tools.model.stacks import ResourceStep
from tools.stacks.inputs import Inputs


@dataclass(frozen=True)
class Beforehand:
    """What there is to do."""

    environment: str
    inputs: Inputs
    """As they will be."""
    asks: CredentialName | None = None
    """What somebody is asked for, to be stored."""
    image: str = ""
    """The worker's image, where it is built and pushed: its repository and tag."""
    mounts: bool = False
    """Whether the registry is told to keep shared layers once."""
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[ResourceStep, ...]:
        """The same, as it is shown."""
        return tuple(self._steps())

    def _steps(self) -> Iterator[ResourceStep]:
        if self.asks:
            why = "the Prefect API wants it; it is asked for"
            yield ResourceStep("create", f"secret {path(self.environment, self.asks)}", (why,))
        if self.image:
            why = "this repository's base image: built and pushed"
            yield ResourceStep("create", f"image {self.image}", (why,))
        if self.mounts:
            why = "DISABLED → ENABLED: layers that images share are pushed and kept once"
            yield ResourceStep("change", "account setting BLOB_MOUNTING", (why,))


def needed(account: Account, inputs: Inputs, *, can_ask: bool) -> Beforehand:
    """What there is to do.

    Args:
        account: where.
        inputs: as they are now.
        can_ask: whether somebody can be asked for a secret.

    Raises:
        UserError: the worker could not start without a secret that nobody can be asked for.
    """
    if inputs.emulated:
        return Beforehand(account.environment, inputs)
    wants = "nothing" if inputs.credential else wanted(inputs.prefect_api_url)
    mounts = account.foundations.mounts_blobs()
    notes = []
    if wants == "unknown":
        notes.append(f"{inputs.prefect_api_url} cannot be reached from here; {_by_hand(account.environment)}")
    if mounts is None:
        notes.append("whether the registry keeps shared layers once (BLOB_MOUNTING) cannot be told here")
    asks = wants if wants in CREDENTIALS else None
    if asks and not can_ask:
        if inputs.worker_image:
            raise UserError(
                f"the worker could not start: the Prefect API wants {asks}, and there is none at "
                f"{path(account.environment, asks)}",
                f"store it first: {_command(account.environment, asks)}",
            )
        notes.append(f"the Prefect API wants {asks}: {_command(account.environment, asks)}")
        asks = None
    return Beforehand(
        account.environment,
        replace(inputs, credential=asks or inputs.credential),
        asks,
        image=to_be_pushed(inputs.worker_image or ""),
        mounts=mounts is False,
        notes=tuple(notes),
    )


def carry_out(root: Path, account: Account, what: Beforehand, secret: str, step: OnProgress) -> Inputs:
    """Does it; gives the inputs as they are then.

    Args:
        root: the repository.
        account: where.
        what: there is to do.
        secret: what was asked for.
        step: told what is being done.

    Raises:
        UserError: the secret is refused, or there is no engine to build the image.
        RemoteError: AWS, the registry or the engine refused or did not answer.
    """
    inputs = what.inputs
    if what.asks:
        step(what.asks, "storing it")
        store(account.aws, account.environment, inputs.prefect_api_url, Credential(what.asks, secret))
    if what.mounts:
        step("BLOB_MOUNTING", "enabling it")
        account.foundations.mount_blobs()
    return replace(inputs, worker_image=push(root, account.ecr, Engine(), step)) if what.image else inputs


def _by_hand(environment: str) -> str:
    either = " or ".join(f"a {WORDS[name]} ({name})" for name in CREDENTIALS)
    return f"where it wants {either}: {_command(environment, 'NAME')}"


def _command(environment: str, name: str) -> str:
    return f"python -m tools secret {name} --environment {environment}"
