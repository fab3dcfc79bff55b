"""The verbs of the local cloud: up, down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import assert_never

from tools.arguments import Cloud, Down, Up
from tools.local.cloud import down, up
from tools.local.make_local import make_local
from tools.repository import DOTENV, ROOT
from tools.settings import LOCAL, read_dotenv
from tools.show.progress import Progress
from tools.show.terminal import console, say, tell


def run(arguments: Cloud) -> int:
    """Carries one of them out."""
    variables = {**read_dotenv(DOTENV, LOCAL), **os.environ}
    match arguments:
        case Up():
            addresses = up(ROOT, variables, say, lambda: _make_local(variables))
            tell("The local cloud is up:")
            for label, value in addresses.lines():
                tell(f"  {label:<13}{value}")
            tell("Deploy to it: make deploy. Stop it: make down.")
        case Down():
            down(ROOT, variables, volumes=arguments.volumes)
            tell("The local cloud is down; " + ("its data is gone." if arguments.volumes else "its data is kept."))
        case _:
            assert_never(arguments)
    return 0


def _make_local(variables: Mapping[str, str]) -> None:
    with Progress(console(stderr=True)) as progress:
        make_local(ROOT, variables, progress.step)
