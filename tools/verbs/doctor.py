"""The verb that looks at all that a run needs: doctor."""

from __future__ import annotations

import os

from tools.arguments import Doctor
from tools.environment.doctor import look_at_environment
from tools.environment.doctor.account import Place
from tools.environment.doctor.looks import Looks
from tools.errors import UserError
from tools.local.machine import look_at_cloud, look_at_machine
from tools.repository import DOTENV, ROOT
from tools.settings import LOCAL, environment_name, read_dotenv
from tools.show.doctor import findings_json, findings_text
from tools.show.terminal import console, print_json
from tools.verbs.environment import chosen


def run(arguments: Doctor) -> int:
    """Shows how each thing stands that a run needs.

    Returns:
        2 where something is to be mended.
    """
    name = environment_name(chosen(arguments.environment))
    with Looks() as looks:
        engine = look_at_machine(looks, ROOT, os.environ)
        if name == LOCAL:
            look_at_cloud(looks, engine, ROOT, {**read_dotenv(DOTENV, LOCAL), **os.environ})
        look_at_environment(looks, Place(ROOT, name, os.environ, DOTENV))
        found = list(looks.findings())
    if arguments.json:
        print_json(findings_json(name, found))
    else:
        console().print(findings_text(name, found))
    return UserError.exit_code if any(item.verdict == "fail" for item in found) else 0
