"""Makes flow runs on the real Prefect server in the states that the janitor meets."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from prefect import Flow, flow, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL
from prefect.states import Running


@flow
def victim() -> None:
    """Never runs."""


@flow
def inner_victim() -> None:
    """Never runs."""


@task
def placeholder() -> None:
    """Stands for a subflow's run in the run around it."""


class Prefect:
    """A work pool of its own on the Prefect server, and what happens to its runs."""

    def __init__(self, client: SyncPrefectClient, kind: str = "ecs") -> None:
        self.client = client
        self.pool = f"pool-{uuid4().hex}"
        client.create_work_pool(WorkPoolCreate(name=self.pool, type=kind, base_job_template={}))

    def run(
        self,
        state: State[Any] | None = None,
        arn: str = "",
        age: float = 3600,
        inside: FlowRun | None = None,
        pool: str | None = None,
        of: Flow[..., Any] = victim,
    ) -> FlowRun:
        """A run that has been in a state for some seconds.

        Args:
            state: Running where absent.
            arn: of its ECS task.
            age: how long it has been in it.
            inside: the run whose subflow it is; it has no pool then.
            pool: its pool, where it is not this one.
            of: its flow.
        """
        parent = self._placeholder(inside) if inside else None
        work_pool = None if inside else pool or self.pool
        made = self.client.create_flow_run(of, parent_task_run_id=parent, work_pool_name=work_pool)
        self.client.set_flow_run_state(made.id, state or Running(), force=True)
        if arn:
            self.client.update_flow_run(made.id, infrastructure_pid=f"data-flows::{arn}")
        return self.age(made.id, age)

    def _placeholder(self, around: FlowRun) -> UUID:
        return self.client.create_task_run(placeholder, flow_run_id=around.id, dynamic_key=uuid4().hex).id

    def age(self, run: UUID, seconds: float) -> FlowRun:
        """Moves what happened to a run into the past."""
        state = self.client.read_flow_run(run).state
        assert state
        when = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S.%f")
        path = PREFECT_SERVER_DATABASE_CONNECTION_URL.value().partition("///")[2]
        with sqlite3.connect(path, timeout=30) as database:
            database.execute("UPDATE flow_run_state SET timestamp = ? WHERE id = ?", (when, str(state.id)))
            if state.is_final():
                database.execute("UPDATE flow_run SET end_time = ? WHERE id = ?", (when, str(run)))
        return self.read(run)

    def read(self, run: UUID) -> FlowRun:
        return self.client.read_flow_run(run)

    def state(self, run: FlowRun) -> State[Any]:
        state = self.read(run.id).state
        assert state
        return state
