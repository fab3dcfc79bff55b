"""The base job template that an environment's work pool should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.environment.doctor.account import Visit
from tools.environment.doctor.looks import NeededError
from tools.model import names
from tools.stacks.pool import work_pool


def job_template(visit: Visit) -> Mapping[str, Any]:
    """The template, as bootstrap makes it.

    Raises:
        NeededError: no stack stands that it could be rendered for.
    """
    inputs, name = visit.inputs(), visit.place.name
    run = visit.stacks.stack("run", name)
    if inputs is None or run is None:
        raise NeededError(f"a stack {names.stack(name, 'run')}")
    return work_pool(inputs, run.outputs.get("SecurityGroup", "")).base_job_template
