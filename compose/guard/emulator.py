"""The AWS emulator of the local cloud, behind its guard. Run by the compose service `aws`.

Runs `ministack` with three things of its own: no page uses it (`pages`), a task definition says only what Fargate
takes (`fargate`), and a secret reaches a task as it was stored. Fails at its start where ministack has changed so that
one of them would not hold.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ministack import app as ministack
from ministack.core.responses import error_response_json
from ministack.services import ecs, ssm

from guard import fargate
from guard.pages import NoPages, Receive, Rules, Scope, Send, refuse

#: The bucket that compose/setup creates: the report of a lake is read in a browser.
RULES = Rules(frozenset({"aws"}), readable="/data-flows-local/")
#: What ministack offers beside AWS's services, of which the rest wipes or changes all of it.
ANSWERED = ("/_ministack/ready", "/_ministack/health")


def main() -> None:
    register = ecs._register_task_definition
    if ecs._ACTION_MAP["RegisterTaskDefinition"] is not register:
        raise SystemExit("ministack registers task definitions in another way now")

    def register_for_fargate(data: Any) -> Any:
        if refusal := fargate.refusal(data):
            return error_response_json("ClientException", refusal, 400)
        return register(data)

    ecs._ACTION_MAP["RegisterTaskDefinition"] = ecs._register_task_definition = register_for_fargate
    ssm.resolve_parameter_value = partial(ssm.resolve_parameter_value, decrypt=True)
    ministack.app = NoPages(partial(aws_only, ministack.app), RULES)
    ministack.main()


async def aws_only(application: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as AWS would, and says whether it is ready."""
    if scope["type"] != "lifespan" and scope["path"].startswith("/_") and scope["path"] not in ANSWERED:
        await refuse(scope, send, "the local cloud does not offer this of its emulator")
    else:
        await application(scope, receive, send)


if __name__ == "__main__":
    main()
