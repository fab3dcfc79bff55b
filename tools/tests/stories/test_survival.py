"""What is left of a local cloud whose emulator was killed, and what the next `make up` makes of it.

Told last in the story's cloud (test_story.py): what the emulator forgot is gone. By itself it starts that cloud.
"""

from __future__ import annotations

import docker
import pytest

from tools.tests.clouds import BUCKET, CLUSTER, Cloud

pytestmark = pytest.mark.docker


def test_a_killed_emulator_leaves_the_lake_and_the_next_up_goes_on_with_it(cloud: Cloud) -> None:
    cloud.tools("up")
    cloud.aws("s3").put_object(Bucket=BUCKET, Key="lake/kept", Body=b"a row")
    docker.from_env().containers.get(f"{cloud.environment['COMPOSE_PROJECT_NAME']}-aws-1").kill()

    cloud.tools("up")

    assert "nothing differs" in cloud.tools("bootstrap")
    assert cloud.aws("s3").get_object(Bucket=BUCKET, Key="lake/kept")["Body"].read() == b"a row"
    assert cloud.aws("ecs").describe_clusters(clusters=[CLUSTER])["clusters"][0]["status"] == "ACTIVE"
