"""What the emulator may ask the Docker engine for: the containers of its own tasks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from docker.types import HostConfig
from docker.types.containers import ContainerConfig
from guard.containers import INSTANCE_LABEL, Cloud, RefusedError

CLOUD = Cloud("data-flows", "localhost:4566")
IMAGE = "localhost:4566/data-flows/x@sha256:" + "a" * 64
NAME = "?name=ministack-ecs-1234-flow"


def described(**changes: Any) -> dict[str, Any]:
    """A task's container as the emulator's Docker SDK describes it."""
    sdk: dict[str, Any] = dict(
        ContainerConfig(
            "1.45",
            image=IMAGE,
            command=["prefect", "flow-run", "execute"],
            environment={"A": "b"},
            labels={"ministack": "ecs", "com.amazonaws.ecs.cluster": "arn"},
            detach=True,
            host_config=HostConfig("1.45", network_mode="data-flows"),
        )
    )
    return {**sdk, "NetworkingConfig": {"data-flows": None}, **changes}


def host(**changes: Any) -> dict[str, Any]:
    return described(HostConfig={"NetworkMode": "data-flows", **changes})


def created(description: Any) -> dict[str, Any]:
    """What the engine is asked to create."""
    made = CLOUD.request(
        "POST", f"/v1.45/containers/create{NAME}&platform=linux%2Famd64", json.dumps(description).encode()
    )
    assert made.target == "/v1.45/containers/create?name=ministack-ecs-1234-flow&platform=linux%2Famd64"
    body: dict[str, Any] = json.loads(made.body)
    return body


def test_a_tasks_container_is_made_anew_of_what_a_task_has() -> None:
    assert created(described()) == {
        "Image": IMAGE,
        "Cmd": ["prefect", "flow-run", "execute"],
        "Env": ["A=b"],
        "Labels": {"ministack": "ecs", "com.amazonaws.ecs.cluster": "arn", INSTANCE_LABEL: "data-flows-aws:4566"},
        "HostConfig": {"NetworkMode": "data-flows"},
    }


def test_a_container_of_another_clouds_becomes_this_ones() -> None:
    assert created(described(Labels={INSTANCE_LABEL: "other-aws:4566"}))["Labels"] == {
        INSTANCE_LABEL: "data-flows-aws:4566"
    }


def test_what_is_empty_says_nothing() -> None:
    """Also where an empty list would say something to the engine: no masked paths is all of /proc."""
    assert created(host(MaskedPaths=[], ReadonlyPaths=[], Privileged=False, Binds=None, Memory=0))["HostConfig"] == {
        "NetworkMode": "data-flows"
    }


@pytest.mark.parametrize(
    "refused",
    [
        host(Binds=["/:/host:rw"]),
        host(Binds=["data-flows_engine:/run/engine:rw"]),
        host(Mounts=[{"Type": "bind", "Source": "/", "Target": "/host"}]),
        host(VolumesFrom=["data-flows-engine-1"]),
        host(Privileged=True),
        host(privileged=True),  # Go reads names in any case
        host(CapAdd=["SYS_ADMIN"]),
        host(Devices=[{"PathOnHost": "/dev/sda"}]),
        host(DeviceRequests=[{"Driver": "nvidia"}]),
        host(DeviceCgroupRules=["b *:* rwm"]),
        host(SecurityOpt=["seccomp=unconfined"]),
        host(PidMode="host"),
        host(PidMode="container:data-flows-engine-1"),
        host(IpcMode="host"),
        host(UTSMode="host"),
        host(UsernsMode="host"),
        host(CgroupnsMode="host"),
        host(CgroupParent="/"),
        host(Runtime="other"),
        host(Sysctls={"kernel.core_pattern": "|/x"}),
        host(PortBindings={"80/tcp": [{"HostPort": "80"}]}),
        host(PublishAllPorts=True),
        host(ExtraHosts=["aws:1.2.3.4"]),
        host(LogConfig={"Type": "syslog"}),
        host(RestartPolicy={"Name": "always"}),
        host(Something="new"),
        host(NetworkMode="host"),
        host(NetworkMode="bridge"),
        host(NetworkMode="container:data-flows-engine-1"),
        host(NetworkMode=""),
        described(HostConfig=None),
        described(HostConfig="x"),
        described(NetworkingConfig={"bridge": None}),
        described(NetworkingConfig={"data-flows": {"Aliases": ["prefect-server"]}}),
        described(NetworkingConfig={"EndpointsConfig": {"other": {}}}),
        described(NetworkingConfig={"EndpointsConfig": {"data-flows": {"Aliases": ["prefect-server"]}}}),
        described(Volumes={"/run/engine": {}}),
        described(MacAddress="02:42:ac:11:00:02"),
        described(hostconfig={"Privileged": True}),
        described(Labels={"com.docker.compose.project": "other"}),
        described(Labels="x"),
        described(Image="python:3.13-slim"),
        described(Image="localhost:45660/data-flows/x"),
        described(Image="localhost:4567/data-flows/x"),
        described(Image="sha256:" + "a" * 64),
        described(Image="evil.example/localhost:4566/data-flows/x"),
        described(Image="localhost:4566/../x"),
        described(Image=["localhost:4566/x"]),
        described(Image=None),
        [],
        "x",
    ],
)
def test_a_container_with_more_than_a_task_has_is_refused(refused: Any) -> None:
    with pytest.raises(RefusedError):
        created(refused)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"null"])
def test_a_body_that_is_no_description_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError):
        CLOUD.request("POST", f"/containers/create{NAME}", body)


@pytest.mark.parametrize("query", ["", "?name=data-flows-aws-1", f"{NAME}&name=other", f"{NAME}&other=1"])
def test_a_container_has_a_tasks_name(query: str) -> None:
    with pytest.raises(RefusedError):
        CLOUD.request("POST", f"/containers/create{query}", json.dumps(described()).encode())


@pytest.mark.parametrize(
    ("method", "target", "reads"),
    [
        ("GET", "/v1.45/containers/abc/json", True),
        ("GET", "/v1.45/containers/abc/logs?stderr=1&stdout=1&timestamps=0&follow=1&tail=all", False),
        ("POST", "/v1.45/containers/abc/start", False),
        ("POST", "/v1.45/containers/abc/stop?t=5", False),
        ("POST", "/v1.45/containers/abc/kill", False),
        ("POST", "/v1.45/containers/abc/wait", False),
        ("DELETE", "/v1.45/containers/abc?v=True&link=False&force=True", False),
    ],
)
def test_what_is_about_a_container_is_passed_on_by_its_id_once_its_owner_is_known(
    method: str, target: str, reads: bool
) -> None:
    passed = CLOUD.request(method, target, b"ignored")
    assert (passed.container, passed.reads, passed.body) == ("abc", reads, b"")
    assert passed.about("0123").target == target.replace("/abc", "/0123")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v1.45/containers/abc/exec"),
        ("POST", "/v1.45/exec/abc/start"),
        ("POST", "/v1.45/containers/abc/update"),
        ("POST", "/v1.45/containers/abc/attach"),
        ("POST", "/v1.45/containers/abc/rename?name=x"),
        ("PUT", "/v1.45/containers/abc/archive?path=/"),
        ("GET", "/v1.45/containers/abc/archive?path=/"),
        ("GET", "/v1.45/containers/abc/export"),
        ("POST", "/v1.45/containers/prune"),
        ("POST", "/v1.45/build"),
        ("POST", "/v1.45/commit?container=abc"),
        ("POST", "/v1.45/images/load"),
        ("GET", "/v1.45/images/json"),
        ("POST", f"/v1.45/images/{IMAGE}/push"),
        ("DELETE", f"/v1.45/images/{IMAGE}"),
        ("GET", "/v1.45/networks"),
        ("POST", "/v1.45/networks/create"),
        ("POST", "/v1.45/networks/bridge/connect"),
        ("GET", "/v1.45/volumes"),
        ("POST", "/v1.45/volumes/create"),
        ("GET", "/v1.45/info"),
        ("GET", "/v1.45/events"),
        ("POST", "/v1.45/swarm/init"),
        ("GET", "/v1.45/secrets"),
        ("POST", "/v1.45/plugins/pull"),
        ("GET", "/v1.45/system/df"),
        ("POST", "/v1.45/session"),
        ("POST", "/v1.45/grpc"),
        ("GET", "/v1.45/containers/..%2f..%2finfo/json"),
        ("GET", "/v1.45/images/localhost:4566/../../info/json"),
        ("GET", "/v1.45/images/localhost:4566%2F..%2F..%2Finfo/json"),
        ("GET", "//v1.45/containers/abc/json"),
        ("GET", "/v1.45/images/python:3.13-slim/json"),
        ("POST", "/v1.45/images/create?fromImage=python&tag=3.13-slim"),
        ("POST", "/v1.45/images/create?fromSrc=-&repo=localhost:4566/x"),
        ("POST", "/v1.45/images/create"),
        ("GET", "/v1.45/containers/json?filters=%7B%22network%22%3A%5B%22bridge%22%5D%7D"),
        ("GET", "/v1.45/containers/abc/json?size=1"),
        ("POST", "/v1.45/containers/abc/start?detachKeys=x"),
    ],
)
def test_everything_else_is_refused(method: str, target: str) -> None:
    with pytest.raises(RefusedError):
        CLOUD.request(method, target, b"{}")


def test_of_all_containers_only_its_own_are_listed() -> None:
    for filters in ('{"label": ["ministack=ecs"]}', "{}", ""):
        passed = CLOUD.request("GET", f"/v1.45/containers/json?all=1&filters={quote(filters)}", b"")
        labels = json.loads(parse_qs(urlsplit(passed.target).query)["filters"][0])["label"]
        assert f"{INSTANCE_LABEL}=data-flows-aws:4566" in labels
    assert INSTANCE_LABEL in CLOUD.request("GET", "/v1.45/containers/json", b"").target


def test_an_image_of_the_clouds_registry_is_pulled_and_shown() -> None:
    pulled = f"/v1.45/images/create?tag=sha256%3A{'a' * 64}&fromImage=localhost%3A4566%2Fdata-flows%2Fx"
    assert CLOUD.request("POST", pulled, b"").target == pulled
    assert CLOUD.request("GET", f"/v1.45/images/{IMAGE}/json", b"").path == quote(f"/v1.45/images/{IMAGE}/json")


def test_whose_a_container_is() -> None:
    assert CLOUD.owns({INSTANCE_LABEL: "data-flows-aws:4566"})
    assert not CLOUD.owns({INSTANCE_LABEL: "other-aws:4566"})
    assert not CLOUD.owns({})
    emulator = {"com.docker.compose.project": "data-flows", "com.docker.compose.service": "aws"}
    assert CLOUD.is_emulator(emulator)
    assert not CLOUD.is_emulator({**emulator, "com.docker.compose.service": "engine"})
    assert not CLOUD.is_emulator({**emulator, "com.docker.compose.project": "other"})
