"""Services -> compose/flows.yaml: one compose service per flow.

Takes the repository's services; gives the file's text, writes it, or says that it is out of step. Never runs Docker.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tools.errors import UserError
from tools.model.names import BASE_IMAGE, image_tag
from tools.model.service import Service

FILE = Path("compose/flows.yaml")

_HEAD = """\
# Written by `python -m tools compose` from services/; `make check` says when it is out of step.
#
#     docker compose run --rm NAME ['{"parameter": 1}']
#
# builds the flow's image and runs the flow in it as a plain process, whether or not the local cloud is up. Of .env and
# the shell it gets LAKE_URL and the variables that its service.toml names, and no more. Without LAKE_URL its lake is
# .local/lake, as that of `make run-flow`. The image is built for this machine's own platform.
x-flow: &flow
  profiles: [flows]
  pull_policy: build
  user: root  # run-as-owner becomes an ordinary user
  command: []
  environment: &environment
    LAKE_URL: ${LAKE_URL:-file:///local/lake}
    DATA_FLOWS_DATA: /local/data
  volumes:
    - ../.local:/local
    - ./run-as-owner:/usr/local/bin/run-as-owner:ro

services:"""

_SERVICE = """
  {name}:
    <<: *flow
    image: {image}
    build:
      context: ../services/{name}
      dockerfile: {dockerfile}
      args: {args}
      additional_contexts: {{ base: "docker-image://{base}" }}
    entrypoint: [dumb-init, --single-child, --, run-as-owner, run-flow, {entrypoint}]
{environment}"""


def text(services: Sequence[Service]) -> str:
    """The file's content, services in order of name."""
    parts = [_service(service) for service in sorted(services, key=lambda service: service.name)]
    return _HEAD + ("".join(parts) if parts else " {}\n")


def write(root: Path, services: Sequence[Service]) -> bool:
    """Writes the file; gives whether that changed it."""
    wanted = text(services)
    if _there(root) == wanted:
        return False
    (root / FILE).write_text(wanted, "utf-8")
    return True


def check(root: Path, services: Sequence[Service]) -> None:
    """Compares the file with what it should be.

    Raises:
        UserError: it is out of step.
    """
    if _there(root) != text(services):
        raise UserError(f"{FILE} is out of step with services/", "write it anew: python -m tools compose")


def _there(root: Path) -> str | None:
    path = root / FILE
    return path.read_text("utf-8") if path.is_file() else None


def _service(service: Service) -> str:
    storage = service.declaration.docker_storage
    return _SERVICE.format(
        name=service.name,
        image=image_tag(service.name, "compose"),
        base=BASE_IMAGE,
        dockerfile=_quoted(storage.dockerfile),
        args=json.dumps({name: _escaped(value) for name, value in sorted(storage.build_args.items())}),
        entrypoint=_quoted(storage.entrypoint),
        environment=_environment(service),
    )


def _environment(service: Service) -> str:
    """The flow's own variables: those that are declared for every environment, and of the others only the names."""
    env = service.declaration.ecs_run.env
    lines = [
        f'      "{name}": {_quoted(env[name]) if name in env else ""}'.rstrip() for name in sorted(service.variables)
    ]
    return "\n".join(["    environment:", "      <<: *environment", *lines, ""]) if lines else ""


def _quoted(value: str) -> str:
    """A YAML scalar; JSON's texts are YAML's."""
    return json.dumps(_escaped(value))


def _escaped(value: str) -> str:
    """Compose would replace what follows a dollar."""
    return value.replace("$", "$$")
