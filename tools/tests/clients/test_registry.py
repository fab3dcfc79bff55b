"""Whether a registry can give all of an image: a real one that lost a part, and one that misbehaves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from tools.clients import bounds
from tools.clients.ecr import Ecr
from tools.clients.registry import check_complete
from tools.errors import RemoteError, UserError
from tools.model.images import Login
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply, Request, Reset
from tools.tests.samples import unique

LOGIN = Login("AWS", "canary-password")
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Stocked:
    """A repository of a registry with an image of two layers, and an index that names it."""

    def __init__(self, aws: Connection) -> None:
        self.name = unique("data-flows/parts")
        Ecr(aws, None).ensure(self.name)
        self.host = str(aws.endpoint).removeprefix("http://")
        self.url = f"{aws.endpoint}/v2/{self.name}"
        self.config, *self.layers = [self._blob(content) for content in (b"{}", b"one", b"two")]
        parts = {"config": {"digest": self.config}, "layers": [{"digest": found} for found in self.layers]}
        self.image = self._manifest(IMAGE, parts)
        self.index = self._manifest(INDEX, {"manifests": [{"digest": self.image}]})

    def ask(self, method: str, path: str, **more: Any) -> None:
        """Does it, without any login: an emulator takes everybody."""
        requests.request(method, f"{self.url}/{path}", timeout=30, **more).raise_for_status()

    def _blob(self, content: bytes) -> str:
        found = digest(content + self.name.encode())
        self.ask("POST", f"blobs/uploads/?digest={found}", data=content + self.name.encode())
        return found

    def _manifest(self, kind: str, content: Mapping[str, object]) -> str:
        body = json.dumps({"schemaVersion": 2, "mediaType": kind, **content}).encode()
        self.ask("PUT", f"manifests/{digest(body)}", data=body, headers={"content-type": kind})
        return digest(body)

    def reference(self, found: str, host: str = "") -> str:
        return f"{host or self.host}/{self.name}@{found}"


@pytest.fixture
def stocked(ministack: Connection) -> Stocked:
    return Stocked(Connection(ministack.region, str(ministack.endpoint).replace("localhost", "127.0.0.1")))


def test_an_image_with_all_its_parts_is_whole_also_by_way_of_an_index(stocked: Stocked) -> None:
    check_complete(stocked.reference(stocked.image), LOGIN)
    check_complete(stocked.reference(stocked.index), LOGIN)


@pytest.mark.parametrize("lost", ["config", "first layer", "last layer"])
def test_a_part_that_is_lost_is_named_and_what_to_do(stocked: Stocked, lost: str) -> None:
    part = {"config": stocked.config, "first layer": stocked.layers[0], "last layer": stocked.layers[1]}[lost]
    stocked.ask("DELETE", f"blobs/{part}")
    for found in (stocked.image, stocked.index):
        with pytest.raises(RemoteError, match=f"its part {part} is missing") as caught:
            check_complete(stocked.reference(found), LOGIN)
        assert f"--repository-name {stocked.name} --image-ids imageDigest={found}" in caught.value.hint


def test_an_image_that_is_not_there_is_missing(stocked: Stocked) -> None:
    nowhere = digest(b"nowhere")
    with pytest.raises(RemoteError, match=f"its manifest {nowhere} is missing"):
        check_complete(stocked.reference(nowhere), LOGIN)


PASSING: dict[str, Reply | Reset] = {
    "500": Reply(500),
    "503": Reply(503),
    "429": Reply(429, headers={"retry-after": "0"}),
    "reset": Reset(),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_asked_again(stocked: Stocked, fault: Reply | Reset) -> None:
    proxy = Proxy(f"http://{stocked.host}", before=lambda request: fault if request.number in (1, 4) else None)
    with proxy.serving() as port:
        check_complete(stocked.reference(stocked.image, f"127.0.0.1:{port}"), LOGIN)
    assert len(proxy.requests) == 1 + 1 + 2 + 2


LASTING: dict[str, tuple[Callable[[Request], Reply], str, int]] = {
    "401": (lambda _: Reply(401), "does not let .* be read", 1),
    "403": (lambda _: Reply(403), "does not let .* be read", 1),
    "500": (lambda _: Reply(500), "answered 500 for the manifest", bounds.LOST),
    "no JSON": (lambda _: Reply(200, b"<html>"), "does not say whether", 1),
    "a list": (lambda _: Reply(200, b"[]"), "does not say whether", 1),
    "parts that are none": (lambda _: Reply(200, b'{"layers": "all"}'), "does not say whether", 1),
    "a redirect": (lambda _: Reply(302, headers={"location": "http://elsewhere.test/"}), "answered 302", 1),
    "more than any manifest": (lambda _: Reply(200, b'{"x": "' + b"x" * (5 << 20) + b'"}'), "does not say whether", 1),
}


@pytest.mark.parametrize(("answer", "said", "tries"), LASTING.values(), ids=LASTING)
def test_what_does_not_pass_is_one_clear_error(
    answer: Callable[[Request], Reply], said: str, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "FIRST_PAUSE", 0.01)
    proxy = Proxy(None, before=answer)
    with proxy.serving() as port, pytest.raises(RemoteError, match=said) as caught:
        check_complete(f"127.0.0.1:{port}/data-flows/x@{digest(b'x')}", LOGIN)
    assert len(proxy.requests) == tries
    assert LOGIN.password not in str(caught.value)


def test_a_registry_that_does_not_answer_is_named() -> None:
    with pytest.raises(RemoteError, match=r"the registry 127\.0\.0\.1:9 does not say"):
        check_complete(f"127.0.0.1:9/data-flows/x@{digest(b'x')}", LOGIN)


@pytest.mark.parametrize("bundle", ["/nonexistent", ""], ids=["no file of certificates", "no certificate"])
def test_a_registry_that_cannot_be_trusted_is_told_with_what_to_look_at(
    bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with ThreadingHTTPServer(("127.0.0.2", 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with pytest.raises(UserError, match="does not say whether") as caught:
            check_complete(f"127.0.0.2:{server.server_port}/data-flows/x@{digest(b'x')}", LOGIN)
        server.shutdown()
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
