"""What CloudFormation makes in the local cloud: Local's own kinds of resources, and a bucket that stands is its own."""

from __future__ import annotations

from typing import Any

import pytest
from guard import stacks


def made(*_: Any) -> str:
    return "made"


@pytest.mark.parametrize("doing", ["create", "update", "delete", "import"])
def test_of_the_emulator_s_makers_those_of_other_kinds_refuse(doing: str) -> None:
    handlers: dict[str, Any] = {"AWS::IAM::Role": {"create": made}, "AWS::Lambda::Function": {"create": made}}

    stacks.restrict(handlers)

    assert handlers["AWS::IAM::Role"]["create"]() == "made"
    with pytest.raises(ValueError, match="makes no resources of this kind"):
        handlers["AWS::Lambda::Function"][doing]("x", {}, "stack", None)


def test_a_bucket_that_stands_is_brought_to_what_it_should_be_and_another_is_made() -> None:
    def updated(name: str, before: dict[str, Any], after: dict[str, Any], stack: str) -> object:
        return "updated", name, before, after, stack

    handler = stacks.taking({"create": made, "update": updated, "delete": made}, lambda name: name == "there")

    properties = {"BucketName": "there"}
    assert handler["create"]("Bucket", properties, "stack") == ("updated", "there", {}, properties, "stack")
    assert handler["create"]("Bucket", {"BucketName": "new"}, "stack") == "made"
    assert handler["create"]("Bucket", {}, "stack") == "made"
    assert handler["delete"]() == "made"
