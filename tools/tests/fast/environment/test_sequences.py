"""Deploys, hand edits, rollbacks and prunes in any order lose nothing and overwrite nothing unseen (I6-I9, I13, I16).

A model beside the world remembers what an operator did. After each step it is compared with what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tools.environment.apply import Clients, apply
from tools.environment.connect import Environment
from tools.environment.prune import remove
from tools.environment.rollback import plan_rollback
from tools.errors import UserError
from tools.model.prefect import PrefectDeployment, PrefectSchedule
from tools.model.release import Release
from tools.model.service import Deployment, Schedule, Service
from tools.plan.actions import (
    Action,
    AddSchedule,
    ChangeSchedule,
    Create,
    Delete,
    OnDrift,
    Patch,
    Plan,
    RemoveSchedule,
    ServicePlan,
)
from tools.plan.deployments import prefect_deployments
from tools.plan.prune import KEPT_RELEASES, leftovers
from tools.plan.results import Result
from tools.tests.memory import ROOT, SETTINGS, World, service

DECIDED = ("description", "tags", "parameters", "entrypoint", "path", "work_pool", "job_variables", "version")
PUSHED = datetime(1970, 1, 1, tzinfo=UTC)
"""When the fake registry says that every image was pushed."""

#: What a repository may declare. What an operator writes is never among it.
SCHEDULES = st.builds(
    lambda slug, cron: Schedule(slug=slug, cron=cron),
    st.sampled_from(["daily", "weekly", "late"]),
    st.sampled_from(["0 6 * * *", "0 7 * * *"]),
)
DEPLOYMENTS = st.builds(
    lambda name, description, schedules: Deployment(name=name, description=description, schedules=tuple(schedules)),
    st.sampled_from(["main", "other"]),
    st.sampled_from(["", "words"]),
    st.lists(SCHEDULES, max_size=2, unique_by=lambda item: item.slug),
)
DECLARED = st.lists(DEPLOYMENTS, min_size=1, max_size=2, unique_by=lambda item: item.name)
FLOW = st.sampled_from(["a", "a", "b"])
ON_DRIFT = st.sampled_from(["stop", "stop", "overwrite", "keep"])
NUMBER = st.integers(0, 30)
"""Chooses one of whatever there is."""


@dataclass
class Operator:
    """What somebody did by hand and no tool has answered yet."""

    fields: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(id of a deployment, field) -> the value written."""
    crons: dict[str, str] = field(default_factory=dict)
    """id of a schedule -> the cron written."""
    schedules: set[str] = field(default_factory=set)
    """ids of schedules made by hand."""
    deployments: set[str] = field(default_factory=set)
    """ids of deployments made by hand."""


def pauses(there: Iterable[PrefectDeployment]) -> set[tuple[str, str]]:
    """What is paused: deployments as (full name, ""), schedules as (full name, slug or id)."""
    found = {(item.full_name, "") for item in there if item.paused}
    return found | {(item.full_name, one.slug or one.id) for item in there for one in item.schedules if not one.active}


def active(there: Iterable[PrefectDeployment]) -> set[tuple[str, str]]:
    """What is not, likewise."""
    found = {(item.full_name, "") for item in there if not item.paused}
    return found | {(item.full_name, one.slug or one.id) for item in there for one in item.schedules if one.active}


def written(action: Action) -> list[str]:
    """What an action writes to the Prefect API, as the fake notes it."""
    match action:
        case Create() | Patch():
            return [f"{action.verb} {action.subject}"]
        case AddSchedule() | ChangeSchedule():
            return [f"{action.verb} {action.wanted.slug}"]
        case RemoveSchedule():
            return [f"delete {action.live.id}"]
        case Delete():
            return [f"delete {action.live.full_name}"]
    return []


class Sequences(RuleBasedStateMachine):
    """One environment, two flows, an operator, and a repository that changes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.repository: dict[str, Service] = {}
        self.operator = Operator()
        self.edits = 0
        world: Any = self.world
        self.environment = Environment(SETTINGS, world.ecs, world.ecr, world.prefect, cast(Any, None))

    @initialize(first=DECLARED, then=DECLARED, back=st.integers(0, 2 + KEPT_RELEASES))
    def long_history(self, first: list[Deployment], then: list[Deployment], back: int) -> None:
        """More releases than are kept, so that prunes have something to do, and often a rollback."""
        for number in range(2 + KEPT_RELEASES):
            self.world.fingerprints["a"] = f"{number:016x}"
            self.repository["a"] = service("a", *(first if number < KEPT_RELEASES else then))
            self.world.deploy(self.repository["a"])
        if back:
            self._carried_out(plan_rollback("a", str(back), self.environment, "stop"))

    # The repository -----------------------------------------------------------------------------------------------

    @rule(flow=FLOW, declared=DECLARED, bigger=st.booleans(), code=st.integers(0, 12))
    def change_the_repository(self, flow: str, declared: list[Deployment], bigger: bool, code: int) -> None:
        """Other deployments, sizes or code, also of long ago; also a flow that had left the repository."""
        self.repository[flow] = service(flow, *declared, **({"memory": 1024} if bigger else {}))
        self.world.fingerprints[flow] = f"{code:016x}"

    @precondition(lambda self: len(self.repository) > 1)
    @rule(flow=FLOW)
    def leave(self, flow: str) -> None:
        """A flow leaves the repository."""
        self.repository.pop(flow, None)

    # The operator -------------------------------------------------------------------------------------------------

    @property
    def there(self) -> list[PrefectDeployment]:
        """Every deployment."""
        return sorted(self.world.prefect.by_id.values(), key=lambda item: item.full_name)

    def _one(self, number: int) -> PrefectDeployment:
        return self.there[number % len(self.there)]

    def _has_schedules(self) -> bool:
        return any(item.schedules for item in self.there)

    def _schedule(self, number: int) -> tuple[PrefectDeployment, PrefectSchedule]:
        found = [(item, one) for item in self.there for one in item.schedules]
        return found[number % len(found)]

    def _write(self, live: PrefectDeployment, **changes: Any) -> None:
        self.world.prefect.by_id[live.id] = live.model_copy(update=changes)
        self.edits += 1

    def _write_schedule(self, live: PrefectDeployment, one: PrefectSchedule, **changes: Any) -> None:
        changed = one.model_copy(update=changes)
        self._write(live, schedules=tuple(changed if item.id == one.id else item for item in live.schedules))

    @precondition(lambda self: self.there)
    @rule(number=NUMBER, what=st.sampled_from(["paused", "description", "parameters", "entrypoint"]))
    def edit_a_deployment(self, number: int, what: str) -> None:
        live = self._one(number)
        if what == "paused":
            self._write(live, paused=not live.paused)
            return
        value = {"by": self.edits} if what == "parameters" else f"by hand {self.edits}"
        self._write(live, **{what: value})
        self.operator.fields[live.id, what] = value

    @precondition(_has_schedules)
    @rule(number=NUMBER, pause=st.booleans())
    def edit_a_schedule(self, number: int, pause: bool) -> None:
        live, one = self._schedule(number)
        if pause:
            self._write_schedule(live, one, active=not one.active)
            return
        cron = f"{self.edits % 60} 12 * * *"
        self._write_schedule(live, one, schedule={"cron": cron, "timezone": "UTC"})
        self.operator.crons[one.id] = cron

    @precondition(lambda self: self.there)
    @rule(number=NUMBER, slug=st.sampled_from(["", "mine"]))
    def make_a_schedule_or_delete_it(self, number: int, slug: str) -> None:
        live = self._one(number)
        left = tuple(one for one in live.schedules if one.slug != slug)
        if len(left) == len(live.schedules):
            made = PrefectSchedule(
                id=f"hand-{self.edits}", slug=slug, schedule={"cron": "0 12 * * *", "timezone": "UTC"}
            )
            self.operator.schedules.add(made.id)
            left = (*left, made)
        self._write(live, schedules=left)

    @precondition(lambda self: self.there)
    @rule(number=NUMBER, marked=st.booleans())
    def duplicate_a_deployment(self, number: int, marked: bool) -> None:
        live = self._one(number)
        name = f"copy-{self.edits}"
        schedules = tuple(one.model_copy(update={"id": f"{name}-{one.id}"}) for one in live.schedules)
        tags = live.tags if marked else ()
        made = live.model_copy(update={"id": name, "name": name, "schedules": schedules, "tags": tags})
        self._write(made)
        self.operator.deployments.add(name)

    # The tools ----------------------------------------------------------------------------------------------------

    @rule(on_drift=ON_DRIFT)
    def look(self, on_drift: OnDrift) -> None:
        """A plan that nobody carries out; what it reads is kept."""
        self._planned(list(self.repository.values()), on_drift)

    @rule(on_drift=ON_DRIFT)
    def deploy(self, on_drift: OnDrift) -> None:
        services = list(self.repository.values())
        planned = self._planned(services, on_drift)
        before = self.there
        results = self._carried_out(planned)
        for item, result in zip(planned.services, results, strict=True):
            self._answered(before, item, on_drift)
            if result.error:
                continue
            self._declared_and_nothing_else(item, result.release, on_drift)
        again = self._planned([self.repository[item.service] for item in results if not item.error], on_drift)
        assert again.changes == 0
        writes = list(self.world.writes)
        self._carried_out(self.world.plan(services, on_drift=on_drift))
        assert self.world.writes == writes

    @rule(flow=FLOW, number=NUMBER, on_drift=ON_DRIFT)
    def roll_back(self, flow: str, number: int, on_drift: OnDrift) -> None:
        releases = self.world.ecs.releases(f"data-flows-Local-{flow}")
        to = str(releases[number % len(releases)].revision) if releases and number % 3 else ""
        try:
            planned = plan_rollback(flow, to, self.environment, on_drift)
        except UserError:
            assert not to  # nothing was deployed, or there is nothing before
            return
        before = self.there
        (result,) = self._carried_out(planned)
        (item,) = planned.services
        self._answered(before, item, on_drift)
        if not result.error:
            assert not to or result.release.revision == int(to)
            self._declared_and_nothing_else(item, result.release, on_drift)
            self._no_others(flow, result.release, on_drift)

    @rule(hours=st.sampled_from([1, 25, 10_000]))
    def prune(self, hours: int) -> None:
        world = self.world
        before = self.there
        declared = {item.name: [one.name for one in item.declaration.deployments] for item in self.repository.values()}
        families = world.ecs.families("data-flows-")
        revisions = [one for family in families for one in world.ecs.revisions(family)]
        images = [
            one for repository in world.ecr.list_repositories("data-flows/") for one in world.ecr.images(repository)
        ]
        now = PUSHED + timedelta(hours=hours)
        found = leftovers("Local", declared, before, revisions, images, now)
        remove(found, self.environment, lambda *_: None, lambda: None)

        gone = [item for item in before if item.id not in world.prefect.by_id]
        assert not [item for item in gone if item.id in self.operator.deployments]
        assert not [item for item in gone if item.name in declared.get(item.flow, [])]
        kept = [item for item in self.there if item.id not in self.operator.deployments]
        assert not [item for item in kept if item.name not in declared.get(item.flow, [])]
        assert self.there == [item for item in before if item not in gone]
        assert hours > 24 or not found.images
        for family in families:
            numbers = [one.release.revision for one in revisions if one.release and one.release.family == family]
            left = {release.revision for release in world.ecs.releases(family)}
            assert set(numbers[:KEPT_RELEASES]) <= left
        again = leftovers("Local", declared, self.there, [r for f in families for r in world.ecs.revisions(f)], [], now)
        assert len(again) == 0

    def _planned(self, services: Sequence[Service], on_drift: OnDrift) -> Plan:
        """What a deploy would do: the same whether all is looked at or nothing that is in step by what is kept."""
        planned = self.world.plan(services, on_drift=on_drift)
        by_what_is_kept = self.world.plan_by_what_is_kept(services, 0, on_drift)
        assert by_what_is_kept.services == planned.services
        return planned

    def _carried_out(self, planned: Plan) -> list[Result]:
        """Applies a plan; just what it says is written (I9), and nothing for a flow that is refused."""
        world = self.world
        before, registered = len(world.prefect.writes), len(world.ecs.writes)
        clients = Clients(world.engine, world.ecr, world.ecs, world.prefect)
        results = apply(planned, ROOT, clients, world._who, lambda *_: None)
        doing = [item for item in planned.services if not (item.refused or item.problems)]
        expected = [text for item in doing for action in item.actions for text in written(action)]
        assert world.prefect.writes[before:] == expected
        releasing = [action for item in doing for action in item.actions if action.verb == "release"]
        assert len(world.ecs.writes) - registered == len(releasing)
        assert [bool(result.error) for result in results] == [bool(item.refused) for item in planned.services]
        return results

    # What must hold -----------------------------------------------------------------------------------------------

    def _answered(self, before: Sequence[PrefectDeployment], item: ServicePlan, on_drift: OnDrift) -> None:
        """Of what an operator did to a flow, nothing is gone that was not told (I6, I7)."""
        there = {one.id: one for one in self.there}
        mine = [one for one in before if one.flow == item.name]
        told = {found.subject for found in item.drift}
        if item.refused:
            assert {one.id: one for one in mine} == {one.id: one for one in self.there if one.flow == item.name}
            return
        assert not (told and on_drift == "stop")
        # Nothing that was paused runs now.
        assert not pauses(mine) & active(self.there)
        for live in mine:
            now = there.get(live.id)
            if live.id in self.operator.deployments:
                assert now == live
            elif now is None:
                self._gone(live, told, on_drift)
            else:
                self._kept(live, now, told, on_drift)

    def _gone(self, live: PrefectDeployment, told: set[str], on_drift: OnDrift) -> None:
        """A deployment went: what was done to it by hand was told, and its end was wanted."""
        touched = live.paused or any(key[0] == live.id for key in self.operator.fields)
        touched |= any(one.id in self.operator.crons or one.id in self.operator.schedules for one in live.schedules)
        touched |= any(not one.active for one in live.schedules)
        if touched:
            assert on_drift == "overwrite"
            assert any(subject.startswith(live.full_name) for subject in told)

    def _kept(self, live: PrefectDeployment, now: PrefectDeployment, told: set[str], on_drift: OnDrift) -> None:
        for (key, name), value in list(self.operator.fields.items()):
            if key == live.id and getattr(now, name) != value:
                assert (on_drift, f"{live.full_name}: {name}" in told) == ("overwrite", True)
                del self.operator.fields[key, name]
        schedules = {one.id: one for one in now.schedules}
        for one in live.schedules:
            if one.id in self.operator.schedules and one.slug in ("", "mine"):
                assert schedules[one.id] == one
            elif one.id in self.operator.crons:
                left = schedules.get(one.id)
                if left is None or left.schedule["cron"] != self.operator.crons[one.id]:
                    assert (on_drift, f"{live.full_name}: schedule {one.slug}" in told) == ("overwrite", True)
                    del self.operator.crons[one.id]
        # A schedule that got another slug keeps its pause.
        by_hand = self.operator.schedules | set(self.operator.crons)
        gone = [one for one in live.schedules if one.id not in schedules and one.id not in by_hand and not one.active]
        new = [one for one in now.schedules if one.id not in {two.id for two in live.schedules} and one.active]
        assert not [one for one in new if one.schedule in [two.schedule for two in gone]]

    def _declared_and_nothing_else(self, item: ServicePlan, release: Release, on_drift: OnDrift) -> None:
        """The deployments of a flow are those of a release, but for what is an operator's (I6, I13)."""
        by_name = {one.name: one for one in self.there if one.flow == item.name}
        for name, wanted in prefect_deployments(release, item.work_pool).items():
            live = by_name[name]
            kept = {field for key, field in self.operator.fields if key == live.id}
            for field_name in DECIDED:
                assert field_name in kept or getattr(live, field_name) == getattr(wanted, field_name), field_name
            declared = {one.slug: one.schedule for one in wanted.schedules}
            mine = {one.id for one in live.schedules if one.id in self.operator.schedules and one.slug not in declared}
            if on_drift == "keep":
                # One that was edited stays so, and is the operator's from now on where it left the file.
                mine |= {one.id for one in live.schedules if one.id in self.operator.crons}
                self.operator.schedules |= {one.id for one in live.schedules if one.slug not in declared}
                for slug in {one.slug for one in live.schedules if one.id in mine}:
                    declared.pop(slug, None)
            assert {one.slug: one.schedule for one in live.schedules if one.id not in mine} == declared

    def _no_others(self, flow: str, release: Release, on_drift: OnDrift) -> None:
        """A rollback leaves no deployment that a later release made (I13)."""
        known = [item for item in self.world.ecs.releases(release.family) if isinstance(item, Release)]
        later = [item for item in known if (item.revision or 0) > (release.revision or 0)]
        others = [
            item
            for item in self.there
            if item.flow == flow
            and not release.declares(item.name)
            and any(found.declares(item.name) for found in later)
        ]
        assert on_drift == "keep" or all(item.id in self.operator.deployments for item in others)

    @invariant()
    def nothing_that_is_needed_is_gone(self) -> None:
        """Every deployment has its release, every release its image (I16)."""
        for item in self.there:
            release = self.world.ecs.release(str(item.job_variables["task_definition_arn"]))
            assert release is not None
        for releases in self.world.ecs.known.values():
            for release in releases:
                assert isinstance(release, Release)
                assert self.world.ecr.holds(release.repository, release.image.rpartition("@")[2])


TestSequences = Sequences.TestCase
TestSequences.settings = settings(stateful_step_count=20)
