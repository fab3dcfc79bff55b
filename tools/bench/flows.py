"""Many small flows: once as services of this project, once as Prefect's own `prefect.yaml` has them.

Both have the same code, the same base image, one deployment and one schedule each, which is not active. Writes files
below a directory; reads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FLOW = '''from prefect import flow


@flow(name="{name}", log_prints=True)
def main(greeting: str = "Hello", times: int = 1) -> None:
    """Greets.

    Args:
        greeting: what is said.
        times: how often.
    """
    for _ in range(times):
        print(greeting)
'''
SERVICE_TOML = """description = "Greets"

[docker_storage]
entrypoint = "flow.py:main"

[[deployments]]
name = "daily"
parameters = { times = 2 }
schedules = [{ slug = "daily", cron = "15 6 * * *", timezone = "UTC" }]
active_in = ["Prod"]
"""


def names(prefix: str, count: int) -> list[str]:
    """Names of flows, the same first ones for every count."""
    return [f"{prefix}-{number:04}" for number in range(count)]


def write_services(root: Path, services: Sequence[str]) -> None:
    """Adds services to a repository; one that is there stays as it is."""
    for name in services:
        home = root / "services" / name
        if not home.exists():
            home.mkdir(parents=True)
            (home / "flow.py").write_text(FLOW.format(name=name))
            (home / "service.toml").write_text(SERVICE_TOML)
            (home / "Dockerfile").write_text("FROM base\nCOPY . .\n")
            (home / ".dockerignore").write_text("service.toml\n")
            (home / "requirements.lock").write_text("")


def write_prefect_project(root: Path, flows: Sequence[str], registry: str, pool: str, base: str) -> None:
    """A directory for `prefect deploy --all`: prefect.yaml and the flows, of which those that are there stay.

    Args:
        root: the directory.
        flows: their names.
        registry: where images are pushed to.
        pool: the work pool.
        base: the image that each extends.
    """
    for name in flows:
        home = root / name
        if not home.exists():
            home.mkdir(parents=True)
            (home / "flow.py").write_text(FLOW.format(name=name))
            (home / "Dockerfile").write_text(f"FROM {base}\nCOPY . .\n")
    project = {"name": "bench", "deployments": [_deployment(name, registry, pool) for name in flows]}
    (root / "prefect.yaml").write_text(json.dumps(project, indent=1))  # JSON is YAML


def _deployment(name: str, registry: str, pool: str) -> dict[str, Any]:
    """As Prefect's documentation has it for images of one's own: a step that builds and one that pushes."""
    build = {
        "id": "build-image",
        "image_name": f"{registry}/{name}",
        "tag": "bench",
        "path": name,
        "dockerfile": "Dockerfile",
        "pull": False,  # the base is on the engine only
        "rm": True,  # containers of steps would stay otherwise
    }
    push = {"image_name": "{{ build-image.image_name }}", "tag": "{{ build-image.tag }}"}
    return {
        "name": "daily",
        "entrypoint": f"{name}/flow.py:main",
        "parameters": {"times": 2},
        "schedules": [{"slug": "daily", "cron": "15 6 * * *", "timezone": "UTC", "active": False}],
        "work_pool": {"name": pool, "job_variables": {"image": "{{ build-image.image }}"}},
        "build": [{"prefect_docker.deployments.steps.build_docker_image": build}],
        "push": [{"prefect_docker.deployments.steps.push_docker_image": push}],
        "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flow"}}],
    }


def change(flow: Path, mark: str) -> None:
    """Changes a flow's code, so that its image is another one."""
    path = flow / "flow.py"
    path.write_text(f"{path.read_text()}\n# {mark}\n")
