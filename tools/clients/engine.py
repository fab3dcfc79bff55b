"""The Docker engine: looks up, pushes and runs images through the docker SDK; `bake` builds them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import docker
import requests
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from tools.clients import bake
from tools.clients.describe_flow import MARKER
from tools.errors import RemoteError, ToolsError, UserError
from tools.model.images import FlowDescription, Login, OnProgress, Target
from tools.model.names import PLATFORM

IMPORT_SECONDS = 120


class Engine:
    """The Docker engine that the docker command line uses too."""

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
        """Pulls an image by digest where the engine has it not.

        Raises:
            RemoteError: it cannot be pulled.
        """
        if self.has(reference):
            return
        with _told(f"pulling {reference}"):
            self._docker.images.pull(reference, auth_config={"username": login.username, "password": login.password})

    def describe_flow(self, reference: str, entrypoint: str, platform: str) -> FlowDescription:
        """Imports a flow inside its image, without network: what an image must pass before it is released.

        Args:
            reference: the image.
            entrypoint: FILE.py:FUNCTION.
            platform: what the image must have been built for.

        Raises:
            UserError: the flow cannot be imported there, or the image is of another architecture.
        """
        with _told(f"starting {reference}"):
            image = self._docker.images.get(reference)
            built_for = f"{image.attrs['Os']}/{image.attrs['Architecture']}"
            if built_for != platform:
                raise UserError(f"the image is built for {built_for}; service.toml says {platform}")
            output = self._output_of(reference, entrypoint)
        found = [line for line in output.splitlines() if line.startswith(MARKER)]
        if not found:
            raise UserError(
                f"the image's Python ended before it could import {entrypoint}:\n{_tail(output)}",
                "the image must keep the base's Python and Prefect",
            )
        answer = json.loads(found[-1].removeprefix(MARKER))
        if "error" in answer:
            where = _user_frames(answer.get("traceback", ""))
            raise UserError(
                f"the flow cannot be imported in its image: {answer['error']}{where}",
                f"try it: make run-flow, then: docker run --rm -it {reference} python",
            )
        return FlowDescription(answer["name"], answer["schema"])

    def _output_of(self, reference: str, entrypoint: str) -> str:
        source = (Path(__file__).parent / "describe_flow.py").read_text("utf-8")
        container = self._docker.containers.create(
            reference,
            ["python", "-c", source, entrypoint],
            network_mode="none",
            environment={"PREFECT_LOGGING_LEVEL": "ERROR"},
            labels={f"{PLATFORM}.import": "1"},
        )
        try:
            container.start()
            container.wait(timeout=IMPORT_SECONDS)
            return container.logs().decode("utf-8", "replace")
        except (requests.ReadTimeout, requests.ConnectionError):
            printed = container.logs(tail=20).decode("utf-8", "replace")
            return f"no answer within {IMPORT_SECONDS} s; what it printed:\n{printed}"
        finally:
            container.remove(force=True)


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
    except (DockerException, requests.RequestException) as error:
        raise RemoteError(
            f"the Docker engine gave no answer to {doing}: {error}", "is Docker still running?"
        ) from error
