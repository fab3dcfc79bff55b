"""The Docker engine: looks up, pushes and runs images through the docker SDK; `bake` builds them."""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import LogConfig
from urllib3.exceptions import HTTPError

from tools.clients import bake
from tools.clients.describe_flow import MARKER
from tools.clients.registry import check_complete
from tools.errors import RemoteError, ToolsError, UserError
from tools.model.images import FlowDescription, Login, OnProgress, Target
from tools.model.names import FLOW_DIRECTORY, PLATFORM
from tools.model.release import Release

IMPORT_SECONDS = 120
IMPORT_PROCESSES = 512
IMPORT_LABEL = f"{PLATFORM}.import"
INIT = "dumb-init"


class Engine:
    """The Docker engine that the docker command line uses too.

    Args:
        import_seconds: how long the import of a flow may take.
    """

    def __init__(self, import_seconds: float = IMPORT_SECONDS) -> None:
        self._import_seconds = import_seconds

    @cached_property
    def _docker(self) -> docker.DockerClient:
        try:
            client = docker.DockerClient(base_url=_engine(), timeout=60, max_pool_size=16)
            client.ping()
        except (DockerException, requests.RequestException) as error:
            raise UserError(
                f"no Docker engine answers{_at(os.environ.get('DOCKER_HOST'))}",
                "start Docker (Docker Desktop, or: systemctl start docker) and run this again",
            ) from error
        except (AttributeError, TypeError, ValueError, OSError) as error:  # what the SDK reads without a look
            raise UserError(
                f"this machine's settings of Docker cannot be read{_at(os.environ.get('DOCKER_HOST'))}: {error}",
                "mend DOCKER_HOST and its companions, or config.json in DOCKER_CONFIG or ~/.docker",
            ) from error
        return client

    def check(self) -> None:
        """Makes sure that an engine answers.

        Raises:
            UserError: none does.
        """
        _ = self._docker

    def has(self, reference: str) -> bool:
        """Whether the engine has an image."""
        with _told(f"looking for {reference}"):
            try:
                self._docker.images.get(reference)
            except ImageNotFound:
                return False
        return True

    def build(self, base: Path, targets: Sequence[Target], step: OnProgress) -> dict[str, ToolsError]:
        """Builds images; see `bake.build`."""
        self.check()
        return bake.build(base, targets, step)

    def push(self, tag: str, address: str, login: Login, step: OnProgress) -> None:
        """Pushes an image.

        Args:
            tag: its name on the engine, with its tag.
            address: the repository in the registry; the tag is the same there.
            login: for the registry.
            step: told how much has been sent.

        Raises:
            RemoteError: the registry refused, or the connection broke.
        """
        version = tag.rsplit(":", 1)[1]
        with _told(f"pushing {address}:{version}"):
            self._docker.images.get(tag).tag(address, tag=version)
            auth = {"username": login.username, "password": login.password}
            layers: dict[str, tuple[int, int]] = {}
            for line in self._docker.api.push(address, tag=version, auth_config=auth, stream=True, decode=True):
                if "error" in line:
                    raise RemoteError(f"the registry refused {address}:{version}: {line['error']}", "run this again")
                detail = line.get("progressDetail") or {}
                if line.get("status") == "Pushing" and detail.get("total"):
                    layers[line["id"]] = (min(detail["current"], detail["total"]), detail["total"])
                    sent, total = (sum(column) for column in zip(*layers.values(), strict=True))
                    step(tag, f"{sent / 1e6:.0f} of {total / 1e6:.0f} MB")

    def pull(self, reference: str, login: Login) -> None:
        """Has an image by digest on the engine, and makes sure that the registry can give it to others.

        Raises:
            RemoteError: it cannot be pulled.
        """
        if self.has(reference):  # pushed from here: that says nothing of what the registry kept
            check_complete(reference, login)
            return
        with _told(f"pulling {reference}"):
            self._docker.images.pull(reference, auth_config={"username": login.username, "password": login.password})

    def describe_flow(self, reference: str, release: Release) -> FlowDescription:
        """Imports a flow inside its image as its task will: what an image must pass before it is released.

        It has the image's user, working directory and Python and the release's env, but neither network nor secrets;
        its memory, processes and output are bounded.

        Args:
            reference: the image.
            release: says what the image must be like.

        Raises:
            UserError: the flow cannot be imported there, or the image is not what a flow's must be.
        """
        word = uuid.uuid4().hex
        with _told(f"starting {reference}"):
            image = self._docker.images.get(reference)
            _check_image(image.attrs, release.platform)
            output = self._output_of(reference, release, word)
        answer = _answer(output, word, release.entrypoint)
        if "error" in answer:
            where = _user_frames(str(answer.get("traceback", "")))
            raise UserError(
                f"the flow cannot be imported in its image: {answer['error']}{where}",
                f"try it: make run-flow, then: docker run --rm -it {reference} python",
            )
        if answer["uid"] == 0:
            raise UserError("the image runs as root; flows run as the base's user", "end its Dockerfile with USER flow")
        return FlowDescription(answer["name"], answer["schema"])

    def _output_of(self, reference: str, release: Release, word: str) -> str:
        self._remove_forgotten()
        source = (Path(__file__).parent / "describe_flow.py").read_text("utf-8")
        env = {**release.platform_env, **release.ecs_run.env, "PREFECT_LOGGING_LEVEL": "ERROR"}
        container = self._docker.containers.create(
            reference,
            ["python", "-c", source, release.entrypoint, word],
            network_mode="none",
            environment=env,
            labels={IMPORT_LABEL: "1"},
            mem_limit=f"{release.ecs_run.memory}m",
            memswap_limit=f"{release.ecs_run.memory}m",
            pids_limit=IMPORT_PROCESSES,
            security_opt=["no-new-privileges"],
            log_config=LogConfig(type="json-file", config={"max-size": "4m", "max-file": "1"}),
        )
        try:
            container.start()
            container.wait(timeout=self._import_seconds)
            container.reload()
            killed = (
                "\nit was killed: it took more memory than its task has"
                if container.attrs["State"]["OOMKilled"]
                else ""
            )
            return container.logs().decode("utf-8", "replace") + killed
        except (requests.ReadTimeout, requests.ConnectionError):
            printed = container.logs(tail=20).decode("utf-8", "replace")
            return f"no answer within {self._import_seconds:g} s; what it printed:\n{printed}"
        finally:
            container.remove(force=True)

    def _remove_forgotten(self) -> None:
        """Containers of imports whose deploy was killed: those that are older than any import may take."""
        oldest = datetime.now(UTC) - timedelta(seconds=2 * self._import_seconds)
        for container in self._docker.containers.list(all=True, filters={"label": IMPORT_LABEL}, ignore_removed=True):
            if datetime.fromisoformat(container.attrs["Created"][:19]).replace(tzinfo=UTC) < oldest:
                with suppress(NotFound):  # somebody else's deploy was as quick
                    container.remove(force=True)


def _check_image(attributes: Mapping[str, Any], platform: str) -> None:
    """Looks at the image's own configuration: a Dockerfile's text can hide what it does."""
    built_for = f"{attributes['Os']}/{attributes['Architecture']}"
    if built_for != platform:
        raise UserError(f"the image is built for {built_for}; service.toml says {platform}")
    config = attributes.get("Config") or {}
    directory, init = config.get("WorkingDir") or "/", config.get("Entrypoint") or []
    if directory.rstrip("/") != FLOW_DIRECTORY:
        raise UserError(
            f"the image's working directory is {directory}; a run starts the flow in {FLOW_DIRECTORY}",
            f"end its Dockerfile with WORKDIR {FLOW_DIRECTORY}",
        )
    if init[:1] != [INIT]:
        raise UserError(
            f"the image's ENTRYPOINT is {init}; the base's is an init that forwards signals ({INIT})",
            "take ENTRYPOINT out of its Dockerfile; set ecs_run.command instead",
        )


def _answer(output: str, word: str, entrypoint: str) -> dict[str, Any]:
    """What the import said, whatever the flow printed.

    Raises:
        UserError: nothing, or nothing that can be.
    """
    begins = f"{MARKER}{word} "
    found = [line for line in output.splitlines() if line.startswith(begins)]
    if not found:
        raise UserError(
            f"the image's Python ended before it could import {entrypoint}:\n{_tail(output)}",
            "the image must keep the base's Python and Prefect",
        )
    try:
        answer = json.loads(found[-1].removeprefix(begins))
        json.dumps(answer, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"what {entrypoint} says of itself is no text that anybody can store: {error}",
            "look at the defaults of its parameters",
        ) from None
    right = isinstance(answer, dict) and (
        "error" in answer or (isinstance(answer.get("name"), str) and isinstance(answer.get("schema"), dict))
    )
    if not right:
        raise UserError(f"what {entrypoint} says of itself is not what it was asked for:\n{_tail(output)}")
    return dict(answer)


def _engine() -> str | None:
    """The engine's address as the docker command line finds it: DOCKER_HOST, else the current context's."""
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    context = ContextAPI.get_current_context()
    return str(context.Host) if context is not None and context.Host else None


def _at(host: str | None) -> str:
    return f" at DOCKER_HOST={host}" if host else ""


def _tail(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-15:]) or "(it printed nothing)"


def _user_frames(text: str) -> str:
    """The last place in the flow's own code that a traceback names."""
    frames = re.findall(r'File "([^"]*/opt/flow/[^"]+|[^"/]+\.py)", line (\d+)', text)
    return f" ({Path(frames[-1][0]).name}:{frames[-1][1]})" if frames else ""


@contextmanager
def _told(doing: str) -> Iterator[None]:
    try:
        yield
    except (ImageNotFound, NotFound) as error:
        raise RemoteError(f"{doing} failed: there is no such image ({error.explanation})") from error
    except APIError as error:
        raise RemoteError(f"the Docker engine failed at {doing}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException, HTTPError) as error:  # the last while an answer is streamed
        raise RemoteError(
            f"the Docker engine gave no answer to {doing}: {error}", "is Docker still running? run this again"
        ) from error
