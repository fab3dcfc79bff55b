"""What brings flows to the cloud of the bench, each as a command or as several: ours, Prefect's, Docker's.

Takes a cloud and directories with flows; gives ways to measure. All get the same variables, the same Prefect server and
the same registry.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

from tools.bench.environment import environment, variables
from tools.bench.flows import change, names, write_prefect_project, write_services
from tools.bench.measure import Measured, Way, measured, one_after_another
from tools.bench.own_cloud import OwnCloud
from tools.clients.bake import bake_file
from tools.model.images import Target
from tools.model.names import BASE_IMAGE, repository

POOL = "bench-plain"
PREFIX, PLAIN = "bench", "plain"
PLATFORM = "linux/amd64"  # what a service.toml that does not say otherwise asks for
LOCK = Path(__file__).with_name("requirements.lock")
#: A pool whose runs take the image that `prefect deploy` built; no worker polls it.
TEMPLATE = {
    "job_configuration": {"image": "{{ image }}"},
    "variables": {"type": "object", "properties": {"image": {"type": "string"}}},
}


class Contenders:
    """The flows of the bench and what deploys them."""

    def __init__(self, root: Path, cloud: OwnCloud) -> None:
        """Makes what Prefect's way needs: a work pool and an environment of its own, in the repository's `.local/`."""
        self.cloud = cloud
        self._changes = count(1)
        self.registry = f"localhost:{cloud.aws_port}"
        self._plain = cloud.root.parent / PLAIN
        self._bin = environment(root / ".local" / "bench-deploy", [LOCK]).parent
        ours = ("COMPOSE_PROJECT_NAME", "PREFECT_PORT", "AWS_PORT")
        self._ours = variables(**{name: cloud.environment[name] for name in ours})
        self._prefect = variables(
            PREFECT_API_URL=f"http://127.0.0.1:{cloud.prefect_port}/api",
            PREFECT_HOME=str(cloud.root.parent / "prefect"),
            PREFECT_SERVER_ANALYTICS_ENABLED="false",
        )
        cloud.prefect("POST", "/work_pools/", {"name": POOL, "type": "docker", "base_job_template": TEMPLATE})

    def grow(self, flows: int) -> None:
        """Lets all contenders have this many flows."""
        services = names(PREFIX, flows)
        write_services(self.cloud.root, services)
        homes = self.cloud.root / "services"
        targets = [Target(name, "bake", homes / name, "Dockerfile", {}, PLATFORM) for name in services]
        (self.cloud.root / "bake.json").write_text(json.dumps(bake_file(self.cloud.root / "base-image", targets)))
        plain = names(PLAIN, flows)
        write_prefect_project(self._plain, plain, f"{self.registry}/{PLAIN}", POOL, BASE_IMAGE)
        ecr = self.cloud.aws("ecr")  # which makes no repository by itself for `docker push`
        pages = ecr.get_paginator("describe_repositories").paginate()
        there = {item["repositoryName"] for page in pages for item in page["repositories"]}
        for name in (f"{PLAIN}/{flow}" for flow in plain):
            if name not in there:
                ecr.create_repository(repositoryName=name)

    def ours(self) -> Measured:
        """A deploy of all flows, as `make deploy` does it."""
        return measured([sys.executable, "-m", "tools", "deploy"], self.cloud.root, self._ours)

    def prefect(self) -> Measured:
        """`prefect deploy --all`."""
        command = [str(self._bin / "prefect"), "--no-prompt", "deploy", "--all"]
        return measured(command, self._plain, self._prefect)

    def bake(self, flows: int) -> Way:
        """A build of all images, and nothing else."""
        command = ["docker", "buildx", "bake", "--progress=plain", "--file=bake.json", *names(PREFIX, flows)]
        return lambda: measured(command, self.cloud.root, self._ours)

    def ours_with_one_changed(self) -> Measured:
        """A deploy of all flows, of which one was changed."""
        change(self.cloud.root / "services" / names(PREFIX, 1)[0], self._mark())
        return self.ours()

    def by_hand_with_one_changed(self) -> Measured:
        """A build, a push and a patch of the flow that was changed, of no other, and without a look at what is."""
        (name,) = names(PLAIN, 1)
        deployment = self.cloud.prefect("GET", f"/deployments/name/{name}/daily")["id"]
        mark = self._mark()
        change(self._plain / name, mark)
        build = self._docker("build", "--quiet", "--tag", self._image, name)
        push = self._docker("push", "--quiet", self._image)
        body = {"job_variables": {"image": self._image}, "version": mark}
        start = time.monotonic()
        self.cloud.prefect("PATCH", f"/deployments/{deployment}", body)
        return one_after_another([build, push, Measured(time.monotonic() - start, 0.0, 0)])

    def by_hand_and_imported(self) -> Measured:
        """The same, and an import of the flow in its image, without which nobody knows whether a run can start."""
        done = self.by_hand_with_one_changed()
        run = ("run", "--rm", "--network=none", "--workdir=/opt/flow", self._image, "python", "-c", "import flow")
        return one_after_another([done, self._docker(*run)])

    @property
    def _image(self) -> str:
        return f"{self.registry}/{PLAIN}/{names(PLAIN, 1)[0]}:bench"

    def _docker(self, *arguments: str) -> Measured:
        return measured(["docker", *arguments], self._plain, self._ours)

    def _mark(self) -> str:
        """What no change has had before."""
        return f"change {next(self._changes)}"


def remove_images(registry: str) -> None:
    """Removes from the engine what the contenders made there and pushed: by name, because others may be there too.

    Args:
        registry: theirs, with its port.
    """
    patterns = (repository(f"{PREFIX}-*"), f"{registry}/*/*")
    listing = [
        "docker",
        "image",
        "ls",
        "--format={{.Repository}}:{{.Tag}}",
        *(f"--filter=reference={p}" for p in patterns),
    ]
    names = subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split()
    if names:
        subprocess.run(["docker", "image", "rm", *names], stdout=subprocess.DEVNULL, check=False)
