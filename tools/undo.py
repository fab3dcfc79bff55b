"""The verbs that put an environment right: rollback, prune. They read their arguments, call the stages and print."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tools import deploy
from tools.compose_file import write as write_compose_file
from tools.discover import services
from tools.prune_report import leftovers_json, leftovers_text
from tools.report import Progress
from tools.terminal import console, print_json, show_results

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"


def rollback(arguments: argparse.Namespace) -> int:
    """Brings a flow back to a release; gives 1 or 2 where it could not be."""
    environment = deploy.connect(arguments.environment, os.environ, DOTENV)
    planned = deploy.plan_rollback(arguments.name, arguments.to, environment, arguments.on_drift)
    with Progress(console(stderr=True)) as progress:
        results = deploy.carry_out(ROOT, planned, environment, progress.step)
    return show_results(planned, results, as_json=arguments.json)


def prune(arguments: argparse.Namespace) -> int:
    """Shows what nothing needs any more; deletes it with --yes."""
    environment = deploy.connect(arguments.environment, os.environ, DOTENV)
    found = deploy.find_leftovers(ROOT, environment)
    if arguments.yes:
        with Progress(console(stderr=True)) as progress:
            deploy.remove(found, environment, progress.step)
        write_compose_file(ROOT, services(ROOT))
    if arguments.json:
        print_json(leftovers_json(found, removed=arguments.yes))
    else:
        console().print(leftovers_text(found, environment.settings.environment, removed=arguments.yes))
    return 0
