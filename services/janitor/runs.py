"""Flow runs in Prefect: those that may hang, how they end, those that are old.

Takes a client of the Prefect API and the name of a work pool; never touches a run of another pool, or one that somebody
else has moved on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterId,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterParentTaskRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from verdicts import ACTIVE, Address, Run, Verdict

_PAGE = 200
_FINAL = FlowRunFilterState(type=FlowRunFilterStateType(any_=sorted(TERMINAL_STATES)))


def active(client: SyncPrefectClient, pool: str) -> list[Run]:
    """The pool's runs that are Pending, Running or Cancelling, and those of their subflows."""
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(ACTIVE)))
    of_pool = partial(
        client.read_flow_runs, flow_run_filter=FlowRunFilter(state=state), work_pool_filter=_in_pool(pool)
    )
    of_subflows = partial(
        client.read_flow_runs,
        flow_run_filter=FlowRunFilter(state=state, parent_task_run_id=FlowRunFilterParentTaskRunId(is_null_=False)),
    )
    runs = {flow_run.id: _run(flow_run, flow_run) for flow_run in _pages(of_pool)}
    outermost = _Outermost(client)
    for flow_run in _pages(of_subflows):
        root = None if flow_run.work_pool_name else outermost.of(flow_run)
        if root and root.work_pool_name == pool:
            runs[flow_run.id] = _run(flow_run, root)
    return [run for run in runs.values() if run]


def _pages(read: Callable[..., list[FlowRun]]) -> Iterator[FlowRun]:
    """What is on all pages. Where runs come and go meanwhile, one may be missed: until the next time."""
    offset = 0
    while True:
        page = read(limit=_PAGE, offset=offset)
        yield from page
        if len(page) < _PAGE:
            return
        offset += _PAGE


def _in_pool(pool: str) -> WorkPoolFilter:
    return WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))


class _Outermost:
    """Finds the run in whose process a subflow's run is."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client
        self._known: dict[UUID, FlowRun | None] = {}

    def of(self, flow_run: FlowRun) -> FlowRun | None:
        """The run itself, where it is no subflow's; None where one on the way is gone."""
        around: FlowRun | None = flow_run
        while around and around.parent_task_run_id and not around.work_pool_name:
            around = self._parent(around.parent_task_run_id)
        return around

    def _parent(self, task_run: UUID) -> FlowRun | None:
        if task_run not in self._known:
            try:
                parent = self._client.read_task_run(task_run).flow_run_id
                self._known[task_run] = self._client.read_flow_run(parent) if parent else None
            except ObjectNotFound:
                self._known[task_run] = None
        return self._known[task_run]


def _run(flow_run: FlowRun, root: FlowRun) -> Run | None:
    """The run in our words; None where it is not, or no longer, a matter of ECS."""
    address = Address.parse(root.infrastructure_pid) if root.infrastructure_pid else None
    other_infrastructure = root.infrastructure_pid and not address
    if flow_run.state is None or flow_run.state.type not in ACTIVE or other_infrastructure:
        return None
    return Run(
        id=flow_run.id,
        name=flow_run.name,
        flow_id=flow_run.flow_id,
        state_id=flow_run.state.id,
        state=flow_run.state.type,
        state_name=flow_run.state.name or "",
        since=flow_run.state.timestamp,
        address=address,
        root=root.id,
        around=_around(root) if root.id != flow_run.id else "",
    )


def _around(root: FlowRun) -> str:
    if root.state and root.state.is_final():
        return f"It was part of the run {root.name}, which ended {root.state.name}."
    return f"It was part of the run {root.name}."


def end(client: SyncPrefectClient, verdict: Verdict) -> str:
    """Ends a run as the verdict says, unless it has moved on since it was read.

    Not forced: so Prefect itself refuses to crash a run that has ended in the moment between.

    Returns:
        Why it was left alone; empty where it has ended as the verdict says.
    """
    run = verdict.run
    try:
        now = client.read_flow_run(run.id)
    except ObjectNotFound:
        return "it was deleted meanwhile"
    if now.state is None or now.state.id != run.state_id:
        return f"it has become {now.state.name if now.state else 'stateless'} meanwhile"
    if not run.inside and now.infrastructure_pid and Address.parse(now.infrastructure_pid) != run.address:
        return "it has got another task meanwhile"
    state: State[None] = State(type=verdict.ends, message=verdict.reason)
    answer = client.set_flow_run_state(run.id, state)
    if answer.status is SetStateStatus.ACCEPT:
        return ""
    # A request that the client repeated, because its reply was lost, is answered with the state that it has set.
    if answer.state and (answer.state.type, answer.state.message) == (state.type, state.message):
        return ""
    return f"Prefect refused: {getattr(answer.details, 'reason', None) or answer.status.value}"


def old(client: SyncPrefectClient, pool: str, before: datetime, at_most: int, flow: str | None = None) -> list[UUID]:
    """Runs that ended before a moment, the oldest first, each preceded by those of its subflows.

    Args:
        client: of the Prefect API.
        pool: whose runs.
        before: with a time zone.
        at_most: how many, the subflows' not counted; at most 200.
        flow: the name of the flow; all flows where None.
    """
    ended = FlowRunFilter(state=_FINAL, end_time=FlowRunFilterEndTime.model_validate({"before_": before}))
    outermost = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])) if flow else None,
        flow_run_filter=ended,
        work_pool_filter=_in_pool(pool),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=min(at_most, _PAGE),
    )
    return [*reversed(_inside(client, outermost)), *(run.id for run in outermost)]


def _inside(client: SyncPrefectClient, outermost: Sequence[FlowRun]) -> list[UUID]:
    """The ended runs of the runs' subflows, then those of the subflows' subflows, and so on."""
    found: list[UUID] = []
    around = outermost
    while around:
        parents = FlowRunFilterParentFlowRunId(any_=[run.id for run in around])
        filters = FlowRunFilter(state=_FINAL, parent_flow_run_id=parents)
        inner = _pages(partial(client.read_flow_runs, flow_run_filter=filters))
        around = [run for run in inner if not run.work_pool_name]
        found += [run.id for run in around]
    return found


def delete(client: SyncPrefectClient, run: UUID) -> None:
    """Deletes a run with its task runs and its log. One that is gone already is fine."""
    with suppress(ObjectNotFound):
        client.delete_flow_run(run)


def flow_names(client: SyncPrefectClient, runs: Sequence[Run]) -> dict[UUID, str]:
    """The flows' names by their ids."""
    ids = list({run.flow_id for run in runs})
    names: dict[UUID, str] = {}
    for start in range(0, len(ids), _PAGE):
        flows = client.read_flows(flow_filter=FlowFilter(id=FlowFilterId(any_=ids[start : start + _PAGE])), limit=_PAGE)
        names |= {flow.id: flow.name for flow in flows}
    return names
