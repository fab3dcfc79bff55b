"""What this machine says of the network, AWS or Docker is wrong: one clear error that says what to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.clients import bounds, ssm
from tools.clients.engine import Engine
from tools.clients.prefect_http import Http
from tools.errors import ToolsError, UserError
from tools.model.credential import Credential
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply

AWS = Connection("us-east-1")
NOBODY = "https://127.0.0.1:9"
UNSET = [
    *("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"),
]


@pytest.fixture(scope="module")
def somebody() -> Iterator[str]:
    """The address of one who takes connections: certificates are read then."""
    with Proxy(None, before=lambda _: Reply()).serving() as port:
        yield f"https://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine counts, and nothing is waited for."""
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setattr(bounds, "FIRST_PAUSE", 0.001)


def text_of(name: str, home: Path, text: str | bytes) -> str:
    """The path of a file of a text."""
    (home / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(home / name)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"])
@pytest.mark.parametrize("broken", [False, True], ids=["missing", "broken"])
def test_certificates_of_no_use_are_told_by_the_variable_that_names_them(
    name: str, broken: bool, somebody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = text_of("ca.pem", tmp_path, "no certificate") if broken else str(tmp_path / "gone.pem")
    monkeypatch.setenv(name, path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", somebody)
    asked = AWS if name == "AWS_CA_BUNDLE" else Http(f"{somebody}/api", Credential("PREFECT_API_KEY", "canary"))
    with pytest.raises(UserError) as caught:
        ssm.tree(asked, "/x") if isinstance(asked, Connection) else asked.call("GET", "/x")
    assert f"look at {name}={path}" in caught.value.hint


@pytest.mark.parametrize(
    "proxy",
    ["garbage", "ftp://x", "http://", "http://me:canary@[bad", "http://x:99999", "http://me:canary@127.0.0.1:9"],
)
@pytest.mark.parametrize("far", ["Prefect", "AWS"])
def test_a_proxy_of_no_use_is_told_without_its_password(far: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://aws.test")
    with pytest.raises(ToolsError, match=far) as caught:
        ssm.tree(AWS, "/x") if far == "AWS" else Http("https://prefect.test/api").call("GET", "/x")
    assert "canary" not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize("key", ["pnu_\u0441anary", "canary\nX: y", " canary", "canary\ud800"])
def test_a_key_that_no_header_can_hold_is_not_shown(key: str) -> None:
    with pytest.raises(UserError, match="no header can hold the key") as caught:
        Http(f"{NOBODY}/api", Credential("PREFECT_API_KEY", key)).call("GET", "/x")
    assert "anary" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "url", ["http://[::1/api", "http://x:port/api", "http:///api", f"http://{'a' * 80}.test/api", "http://\u2603./api"]
)
def test_an_address_that_no_request_can_have_is_one_clear_error(url: str) -> None:
    with pytest.raises(ToolsError, match="Prefect: "):
        Http(url).call("GET", "/x")


@pytest.mark.parametrize(
    "text", ["[profile", "no section = 1", b"\xff\xfe\x00"], ids=["cut off", "no section", "bytes"]
)
def test_a_broken_file_of_aws_is_told(text: str | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", text_of("config", tmp_path, text))
    with pytest.raises(UserError, match="AWS: ") as caught:
        ssm.tree(AWS, "/x")
    assert "~/.aws/config" in caught.value.hint


@pytest.mark.parametrize("url", ["garbage", "http://[::1", "http://x:99999", "http://a b", "ftp://x"])
def test_an_address_of_aws_that_no_request_can_have_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(ToolsError, match="AWS"):
        ssm.tree(AWS, "/x")


@pytest.mark.parametrize("host", ["tcp://x:99999", "tcp://[::1", "garbage"])
def test_a_docker_host_of_no_use_is_told(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(UserError, match="DOCKER_HOST="):
        Engine().check()
