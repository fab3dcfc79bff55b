"""A system that does not answer, or is none of what it should be, is one clear error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tools.bench.own_cloud import free_port
from tools.clients import ssm
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_runs import runs
from tools.errors import RemoteError, UserError
from tools.model.images import Image
from tools.settings import Connection

NOBODY = f"http://127.0.0.1:{free_port()}"
AWS = Connection("us-east-1", NOBODY)
IMAGE = Image("data-flows/x", f"sha256:{'0' * 64}", ("0123456789abcdef",), datetime(2026, 1, 1, tzinfo=UTC), 1)
CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "deployments": (lambda: PrefectApi(f"{NOBODY}/api").deployments(["x"]), "nothing answers"),
    "tagged": (lambda: PrefectApi(f"{NOBODY}/api").tagged("x"), "nothing answers"),
    "every deployment": (lambda: PrefectApi(f"{NOBODY}/api").every_deployment(), "nothing answers"),
    "remove": (lambda: PrefectApi(f"{NOBODY}/api").remove("x"), "nothing answers"),
    "runs": (lambda: runs(PrefectApi(f"{NOBODY}/api"), ["x"]), "nothing answers"),
    "release": (lambda: Ecs(AWS).release("x"), "does not answer"),
    "families": (lambda: Ecs(AWS).families("x"), "listing the task definitions"),
    "revisions": (lambda: Ecs(AWS).revisions("x"), "listing the revisions"),
    "deregister": (lambda: Ecs(AWS).deregister("x"), "deregistering"),
    "digest": (lambda: Ecr(AWS, None).digest("data-flows/x", "y"), "does not answer"),
    "holds": (lambda: Ecr(AWS, None).holds("data-flows/x", "sha256:1"), "looking for"),
    "repositories": (lambda: Ecr(AWS, None).list_repositories("x"), "listing the repo"),
    "images": (lambda: Ecr(AWS, None).images("data-flows/x"), "listing the images"),
    "remove an image": (lambda: Ecr(AWS, None).remove(IMAGE), "deleting data-flows/x"),
    "parameters": (lambda: ssm.tree(AWS, "/DataFlows/X"), "does not answer"),
}


@pytest.mark.parametrize(("call", "said"), CALLS.values(), ids=CALLS)
def test_a_system_that_does_not_answer_is_one_clear_error(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RemoteError, match=said) as caught:
        call()
    assert caught.value.hint


def test_what_answers_but_is_no_prefect_api_is_told_so(moto: Connection) -> None:
    with pytest.raises(RemoteError, match=r"404|no Prefect API"):
        PrefectApi(f"{moto.endpoint}/moto-api").deployments(["x"])


def test_without_credentials_the_error_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch, moto: Connection) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(UserError, match="no usable credentials"):
        ssm.tree(Connection("us-east-1"), "/DataFlows/Dev")
