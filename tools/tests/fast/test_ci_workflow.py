"""The workflow calls what exists, and its matrix is made of the services that there are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load(TEXT)


def test_every_make_target_that_the_workflow_calls_exists() -> None:
    called = set(re.findall(r"run: make ([a-z-]+)", TEXT))
    assert called
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert called <= targets


def test_the_matrix_is_made_of_what_list_prints() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools", "list", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = [item["name"] for item in json.loads(done.stdout)]
    assert names == sorted(path.parent.name for path in (ROOT / "services").glob("*/service.toml"))
    assert WORKFLOW["jobs"]["service"]["strategy"]["matrix"]["name"] == "${{ fromJson(needs.checks.outputs.services) }}"


def test_the_aggregate_check_waits_for_every_other_job() -> None:
    jobs = set(WORKFLOW["jobs"])
    assert set(WORKFLOW["jobs"]["ci"]["needs"]) == jobs - {"ci"}


@pytest.mark.parametrize("job", sorted(WORKFLOW["jobs"]))
def test_no_job_can_hang_for_hours(job: str) -> None:
    assert WORKFLOW["jobs"][job]["timeout-minutes"] <= 30
