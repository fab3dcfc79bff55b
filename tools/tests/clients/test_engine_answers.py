"""An engine that breaks off in the middle of what it streams: one clear error, whatever library notices."""

from __future__ import annotations

import pytest

from tools.clients.engine import Engine
from tools.errors import RemoteError
from tools.model.images import Login
from tools.tests.proxy import Proxy, Reply, Request

STREAMED = b'{"status": "Preparing", "id": "1"}\r\n'
CUT_OFF = b"%x\r\n%s\r\nff\r\n{" % (len(STREAMED), STREAMED)


def engine(request: Request) -> Reply:
    """What an engine answers, up to the push."""
    if request.path.endswith("/version"):
        return Reply(200, b'{"ApiVersion": "1.43"}')
    if "/push" in request.path:
        return Reply(200, iter([CUT_OFF]), {"content-type": "application/json", "transfer-encoding": "chunked"})
    return Reply(200, b'{"Id": "sha256:0"}') if request.path.endswith("/json") else Reply(201, b"")


def test_a_push_that_is_cut_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy(None, before=engine).serving() as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        with pytest.raises(RemoteError) as caught:
            Engine().push("data-flows/x:1", "registry.test/x", Login("AWS", "canary"), lambda *_: None)

    assert caught.value.message.startswith("the Docker engine gave no answer to pushing registry.test/x:1")
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"
