"""Which environment a verb means where the command line does not say."""

from __future__ import annotations

import os

from tools.environment.branches import followed
from tools.model import names
from tools.repository import DOTENV, ROOT
from tools.settings import LOCAL
from tools.show.terminal import say


def chosen(named: str | None) -> str:
    """The environment that is named, else the one that the git branch deploys to, which is told; else Local.

    Only for verbs that look, or that go on to what the repository declares: none that undoes, deletes or starts a run
    may find itself in Prod because of a branch.
    """
    if named:
        return named
    found = followed(ROOT, os.environ, DOTENV)
    if found is None:
        return LOCAL
    say(
        f"the branch {found.branch} deploys to {found.environment} ({names.branch(found.branch)}); "
        "ENVIRONMENT=… chooses another one"
    )
    return found.environment
