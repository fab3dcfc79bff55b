"""The verbs that put an environment right: rollback, prune, unlock."""

from __future__ import annotations

import os
from typing import assert_never

from tools.arguments import Prune, Rollback, Undo, Unlock
from tools.desired.discover import services
from tools.environment.connect import connect
from tools.environment.guard import locked
from tools.environment.lock import holder
from tools.environment.prune import find_leftovers, remove
from tools.environment.rollback import plan_rollback
from tools.local.compose_file import write as write_compose_file
from tools.plan.actions import Note, Plan
from tools.repository import DOTENV, ROOT
from tools.show.leftovers import leftovers_json, leftovers_text
from tools.show.progress import Progress
from tools.show.terminal import console, print_json, say, tell
from tools.verbs.outcome import carry_out_and_show


def run(arguments: Undo) -> int:
    """Carries one of them out."""
    match arguments:
        case Rollback():
            return _rollback(arguments)
        case Prune():
            return _prune(arguments)
        case Unlock():
            return _unlock(arguments)
        case _:
            assert_never(arguments)


def _rollback(arguments: Rollback) -> int:
    """Brings a flow back to a release; gives 1 or 2 where it could not be."""
    environment = connect(arguments.environment, os.environ, DOTENV)
    to = arguments.to
    notes: tuple[Note, ...] = ()

    def make() -> Plan:
        nonlocal to, notes
        planned = plan_rollback(arguments.name, to, environment, arguments.on_drift)
        # Made again under the lock, "the release before" is still the one that was meant: somebody else may just have
        # rolled back too.
        to = str(planned.services[0].release.revision)
        notes = planned.services[0].notes
        return planned

    code = carry_out_and_show(make, environment, "rollback", wait=arguments.wait, as_json=arguments.json)
    for note in notes:
        say(f"note: {note}")
    return code


def _prune(arguments: Prune) -> int:
    """Shows what nothing needs any more; deletes it with --yes."""
    environment = connect(arguments.environment, os.environ, DOTENV)
    if arguments.yes:
        with locked(environment, "prune", wait=arguments.wait, tell=say) as guard:
            found = find_leftovers(ROOT, environment)
            with Progress(console(stderr=True)) as progress:
                remove(found, environment, progress.step, guard)
        write_compose_file(ROOT, services(ROOT))
    else:
        found = find_leftovers(ROOT, environment)
    if arguments.json:
        print_json(leftovers_json(found, removed=arguments.yes))
    else:
        console().print(leftovers_text(found, environment.settings.environment, removed=arguments.yes))
    return 0


def _unlock(arguments: Unlock) -> int:
    """Shows who holds an environment's lock; removes it with --yes."""
    environment = connect(arguments.environment, os.environ, DOTENV)
    found = holder(environment.variables, arguments.environment)
    if found is None:
        tell(f"{arguments.environment} is not locked.")
        return 0
    tell(f"{arguments.environment} is locked by {found}.")
    if arguments.yes:
        environment.variables.delete(found.id)
        tell("The lock is removed. Whoever held it writes nothing more.")
    elif found.seems_dead:
        tell(
            f"Its holder seems to be dead. Whoever comes next takes it over where it is not renewed for "
            f"{found.time_to_live:.0f} s; --yes removes it now."
        )
    else:
        tell(f"Its holder was alive {found.silent:.0f} s ago. --yes removes it all the same.")
    return 0
