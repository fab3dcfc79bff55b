"""What CloudFormation may make in the local cloud: the kinds of resources that the environment Local consists of.

The emulator would make others too, past the checks of their own services: task definitions that ask for the host,
functions and databases that are containers, custom resources that call code.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

KINDS = frozenset(
    {
        "AWS::EC2::SecurityGroup",
        "AWS::ECS::Cluster",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SSM::Parameter",
    }
)
Handler = dict[str, Any]


def refused(*_: Any, **__: Any) -> Any:
    """Makes nothing, as CloudFormation fails a resource."""
    raise ValueError("the local cloud makes no resources of this kind")


def restrict(handlers: MutableMapping[str, Handler]) -> None:
    """Leaves of the emulator's makers of resources those of our kinds; the others refuse.

    Args:
        handlers: kind -> its functions by what they do.
    """
    for kind in handlers:
        if kind not in KINDS:
            handlers[kind] = {"create": refused, "update": refused, "delete": refused, "import": refused}


def taking(handler: Handler, stands: Callable[[str], bool]) -> Handler:
    """The maker of buckets, which takes one that stands already for its own.

    Where the emulator was killed, buckets are all that is left: stacks are written when it stops.

    Args:
        handler: the emulator's.
        stands: whether there is a bucket of a name.
    """

    def create(logical: str, properties: dict[str, Any], stack: str) -> Any:
        name = properties.get("BucketName")
        if name and stands(name):
            return handler["update"](name, {}, properties, stack)
        return handler["create"](logical, properties, stack)

    return {**handler, "create": create}
