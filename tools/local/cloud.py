"""The cloud of the environment Local: starts and stops what compose/ describes.

Takes the repository and the variables of `.env` and of this process (PREFECT_PORT, AWS_PORT, COMPOSE_PROJECT_NAME);
gives the addresses once everything answers. Docker Compose shows its own progress on this process's output; the rest is
said through a function. Never looks at the data that the cloud keeps.
"""

from __future__ import annotations

import errno
import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import RemoteError, UserError
from tools.settings import local_port

COMPOSE_FILE = Path("compose/compose.yaml")
WAIT_SECONDS = 180
ANSWER_SECONDS = 30
LOG_LINES = 20
#: The cloud's compose services in the order in which they start; the worker works for an environment that is made.
PARTS = ("prefect-server", "engine", "aws", "worker")
SERVERS = PARTS[:-1]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Addresses:
    """Where the local cloud answers, as seen from this machine."""

    prefect_port: int
    aws_port: int

    @property
    def ui(self) -> str:
        return f"http://127.0.0.1:{self.prefect_port}"

    @property
    def api(self) -> str:
        return f"{self.ui}/api"

    @property
    def aws(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def registry(self) -> str:
        """For `docker push`; the engine asks `localhost` without TLS."""
        return f"localhost:{self.aws_port}"

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Label and address of each."""
        return (
            ("Prefect UI", self.ui),
            ("Prefect API", self.api),
            ("AWS endpoint", self.aws),
            ("ECR registry", self.registry),
        )


@dataclass(frozen=True)
class Compose:
    """Docker Compose on the local cloud's file."""

    root: Path
    project: str
    variables: Mapping[str, str]

    def run(self, *arguments: str) -> int:
        """Runs a command of Compose, its progress shown; gives its exit code."""
        return subprocess.run(
            ["docker", "compose", *arguments], cwd=self.root, env=self.variables, check=False
        ).returncode

    def output(self, *arguments: str, stderr: int = subprocess.DEVNULL) -> str:
        """What a command of Docker prints; nothing where it fails."""
        command = ["docker", *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=self.variables, check=False, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        return done.stdout.strip() if done.returncode == 0 else ""


def up(root: Path, variables: Mapping[str, str], say: Say, make_environment: Callable[[], None]) -> Addresses:
    """Starts the local cloud, or what of it does not run, and waits until all of it answers.

    Args:
        root: the repository.
        variables: of `.env` and of this process.
        say: told what is being done.
        make_environment: makes the environment Local, once both servers answer and before the worker starts.

    Raises:
        UserError: Docker does not answer, or a port is taken; nothing was started.
        RemoteError: a part did not start, or does not answer in time; it is named, with the end of its log.
    """
    addresses, compose = _configured(root, variables)
    _check_engine(compose)
    _check_port(compose, "PREFECT_PORT", addresses.prefect_port)
    _check_port(compose, "AWS_PORT", addresses.aws_port)
    say("starting the local cloud; the first time its images are built, which takes a minute or two")
    if compose.run("build") != 0:
        raise RemoteError("an image of the local cloud could not be built; what the build said stands above")
    _start(compose, *SERVERS)
    _wait_for_answer(compose, "prefect-server", f"{addresses.api}/health")
    _wait_for_answer(compose, "aws", f"{addresses.aws}/_ministack/ready")
    make_environment()
    _start(compose)
    return addresses


def down(root: Path, variables: Mapping[str, str], *, volumes: bool) -> None:
    """Stops the local cloud and the tasks in it. Its data stays, unless `volumes` says otherwise.

    Raises:
        UserError: Docker does not answer.
        RemoteError: something could not be stopped or removed.
    """
    _, compose = _configured(root, variables)
    _check_engine(compose)
    stopped = compose.run("stop")
    # Where the emulator was killed, it left its tasks behind, and they hold on to the network.
    tasks = compose.output("ps", "--all", "--quiet", "--filter", f"label=ministack.instance={compose.project}-aws:4566")
    if tasks:
        compose.output("rm", "--force", "--volumes", *tasks.split())
    if stopped != 0 or compose.run("down", *(["--volumes"] if volumes else [])) != 0:
        raise RemoteError("docker compose could not stop the local cloud; what it said stands above")


def _configured(root: Path, variables: Mapping[str, str]) -> tuple[Addresses, Compose]:
    addresses = Addresses(local_port(variables, "PREFECT_PORT", 4200), local_port(variables, "AWS_PORT", 4566))
    project = variables.get("COMPOSE_PROJECT_NAME") or "data-flows"
    environment = {
        **variables,
        "COMPOSE_FILE": str(root / COMPOSE_FILE),
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_PROFILES": "",  # the flows' services are not part of the cloud
        "PREFECT_PORT": str(addresses.prefect_port),
        "AWS_PORT": str(addresses.aws_port),
    }
    return addresses, Compose(root, project, environment)


def _start(compose: Compose, *parts: str) -> None:
    """Starts what does not run, all of it where no parts are named, and waits until it is healthy."""
    waiting = ("--wait", "--wait-timeout", str(WAIT_SECONDS))
    if compose.run("up", "--detach", "--no-build", *waiting, *parts) != 0:
        raise _failure(compose)


def _check_engine(compose: Compose) -> None:
    docker_engine(compose.variables)
    docker_compose(compose.variables)


def docker_engine(variables: Mapping[str, str]) -> str:
    """The version of the Docker engine that answers.

    Raises:
        UserError: none does.
    """
    return _version(["version", "--format", "{{.Server.Version}}"], variables, "the Docker engine does not answer")


def docker_compose(variables: Mapping[str, str]) -> str:
    """The version of Docker Compose.

    Raises:
        UserError: there is none.
    """
    return _version(["compose", "version", "--short"], variables, "Docker has no `compose` command")


def _version(arguments: Sequence[str], variables: Mapping[str, str], missing: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], env=variables, check=False, capture_output=True, text=True, timeout=ANSWER_SECONDS
        )
    except FileNotFoundError:
        raise UserError("Docker is not installed: there is no `docker` command", "install Docker Engine") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{missing} within {ANSWER_SECONDS} s", "start Docker again, then try again") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise UserError(f"{missing}: {said[-1] if said else ''}", "start Docker, then try again")
    return done.stdout.strip()


def _check_port(compose: Compose, variable: str, port: int) -> None:
    ours = f"label=com.docker.compose.project={compose.project}"
    if compose.output("ps", "--quiet", "--filter", f"publish={port}", "--filter", ours) or not _taken(port):
        return
    holder = compose.output("ps", "--filter", f"publish={port}", "--format", "{{.Names}}")
    by = f"the container {holder}" if holder else "another program"
    free = port + 100 if port + 100 < 65536 else 14000
    raise UserError(
        f"port {port} of 127.0.0.1 is taken by {by}; the local cloud needs it ({variable})",
        f"stop that, or take another port: {variable}={free} in .env",
    )


def _taken(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        if client.connect_ex(("127.0.0.1", port)) == 0:
            return True
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _failure(compose: Compose) -> RemoteError:
    """The error that names what did not start, with the end of its log."""
    found = culprit(_parts(compose))
    if found is None:
        return RemoteError("docker compose could not start the local cloud; what it said stands above")
    service, how = found
    return RemoteError(f"{service} of the local cloud {how}; the end of its log:\n{_log(compose, service)}")


def parts(root: Path, variables: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """The containers of the local cloud that there are, whether or not they run: service -> as `culprit` takes it.

    Raises:
        UserError: Docker does not answer.
    """
    _, compose = _configured(root, variables)
    _check_engine(compose)
    return _parts(compose)


def _parts(compose: Compose) -> dict[str, Mapping[str, Any]]:
    listed = compose.output("compose", "ps", "--all", "--format", "json")
    return {part["Service"]: part for part in map(json.loads, listed.splitlines())}


def culprit(parts: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """The first part that failed by itself, and how; None where all that was started is well.

    Args:
        parts: service -> its container, as `docker compose ps` describes it.
    """
    found = ((service, ailment(parts.get(service, {"State": "created"}))) for service in PARTS)
    return next(((service, how) for service, how in found if how), None)


def ailment(part: Mapping[str, Any]) -> str:
    """What is wrong with a part that was started; empty where it is well.

    Args:
        part: its container, as `docker compose ps` describes it.
    """
    if part["State"] == "running" and part["Health"] not in ("healthy", ""):
        return "does not answer"
    if part["State"] in ("exited", "dead"):
        return f"ended with exit code {part['ExitCode']}"
    return "ends as soon as it has started" if part["State"] == "restarting" else ""


def _log(compose: Compose, service: str) -> str:
    """The end of a part's log."""
    name = f"{compose.project}-{service}-1"
    return compose.output("logs", "--tail", str(LOG_LINES), name, stderr=subprocess.STDOUT)


def _wait_for_answer(compose: Compose, service: str, url: str) -> None:
    """Waits until a part that runs can be reached from this machine too."""
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an address of this machine
                return
        except OSError as error:
            if time.monotonic() > until:
                found = f"{service} of the local cloud runs, but does not answer at {url} ({error})"
                raise RemoteError(f"{found}; the end of its log:\n{_log(compose, service)}") from error
        time.sleep(0.5)
