"""The AWS emulator of the local cloud, behind its guard. Run by the compose service `aws`.

Runs `ministack` with things of its own: no page uses it (`pages`), a task definition says only what Fargate takes
(`fargate`), a stack has only what the environment Local consists of and takes a bucket that stands for its own
(`stacks`), and a secret reaches a task as it was stored. Fails at its start where ministack has changed so that one of
them would not hold.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ministack import app as ministack
from ministack.core.responses import error_response_json
from ministack.services import ecs, s3, ssm
from ministack.services.cloudformation import provisioners

from guard import fargate, stacks
from guard.pages import NoPages, Receive, Rules, Scope, Send, refuse

#: The bucket of the environment Local: the report of a lake is read in a browser.
RULES = Rules(frozenset({"aws"}), readable="/data-flows-000000000000-us-east-1-local/")
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
    guard_stacks()
    ssm.resolve_parameter_value = partial(ssm.resolve_parameter_value, decrypt=True)
    ministack.app = NoPages(partial(aws_only, ministack.app), RULES)
    ministack.main()


def guard_stacks() -> None:
    """Lets stacks make what they are for."""
    handlers: Any = provisioners._RESOURCE_HANDLERS
    if stacks.KINDS - set(handlers) or not hasattr(provisioners, "_custom_resource_create"):
        raise SystemExit("ministack makes resources of stacks in another way now")
    stacks.restrict(handlers)
    provisioners._custom_resource_create = stacks.refused
    handlers["AWS::S3::Bucket"] = stacks.taking(handlers["AWS::S3::Bucket"], bucket_stands)
    provisioners.s3_bucket_name_conflict = lambda _: None


def bucket_stands(name: str) -> bool:
    """Whether there is a bucket of a name."""
    return s3._bucket_owner_account(name) is not None


async def aws_only(application: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as AWS would, and says whether it is ready."""
    if scope["type"] != "lifespan" and scope["path"].startswith("/_") and scope["path"] not in ANSWERED:
        await refuse(scope, send, "the local cloud does not offer this of its emulator")
    else:
        await application(scope, receive, send)


if __name__ == "__main__":
    main()
