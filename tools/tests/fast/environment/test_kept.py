"""What is kept of releases spares requests and changes no plan; some of what is in step is looked at each time."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools.environment.apply import Clients, apply
from tools.environment.connect import Environment
from tools.environment.kept import Kept
from tools.environment.rollback import plan_rollback
from tools.model.release import Release, UnreadRelease
from tools.model.service import Deployment, Schedule, Service
from tools.plan.actions import Plan
from tools.tests.fakes import FakeEcs, arn
from tools.tests.memory import DAILY, ROOT, SETTINGS, World, service
from tools.tests.worlds import live, release

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Looked(FakeEcs):
    """Notes which families and ARNs are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def release(self, reference: str) -> object:  # type: ignore[override]
        """Notes it."""
        self.asked.append(reference)
        return super().release(reference)


class Asked(World):
    """A world that knows what was looked at in it."""

    def __init__(self) -> None:
        super().__init__()
        self.ecs: Looked = Looked()

    def looked_at(self, services: list[Service], looks: int) -> set[str]:
        """The flows whose releases a plan by what is kept reads."""
        self.ecs.asked.clear()
        self.plan_by_what_is_kept(services, looks)
        return {reference.rsplit("-", 1)[1] for reference in self.ecs.asked}


def deployed(*services: Service) -> Asked:
    """A world in which these flows are in step, and known to be so."""
    world = Asked()
    assert not [result.error for result in world.deploy(*services) if result.error]
    assert world.plan_by_what_is_kept(services, 0).changes == 0
    return world


def same(world: World, *services: Service) -> Plan:
    """The plan, which is the same by what is kept as by a look at everything."""
    planned = world.plan(services)
    assert world.plan_by_what_is_kept(services, 0).services == planned.services
    return planned


class Killed(BaseException):
    """What stands for kill -9 in memory."""


def killed_at_the_patch(world: World, declared: Service) -> None:
    """A deploy that ends where it would point the deployment at the new release."""

    def dies(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(world.prefect, "patch", dies)
        with pytest.raises(Killed):
            world.deploy(declared)


def many(count: int) -> list[Service]:
    return [service(f"f{number}") for number in range(count)]


def test_what_was_in_step_is_not_read_again_and_is_told() -> None:
    services = many(3)
    world = deployed(*services)
    assert world.looked_at(services, 0) == set()
    planned = world.plan_by_what_is_kept(services, 0)
    assert planned.services == world.plan(services).services
    assert planned.unseen is not None
    assert planned.unseen.flows == 3
    assert datetime.now(UTC) - planned.unseen.oldest < timedelta(minutes=1)


def test_flows_in_step_are_looked_at_in_turn() -> None:
    services = many(7)
    world = deployed(*services)
    seen = [world.looked_at(services, 3) for _ in range(3)]
    assert [len(item) for item in seen] == [3, 3, 3]
    assert set.union(*seen) == {item.name for item in services}
    assert world.plan_by_what_is_kept(services, 7).unseen is None


def test_a_flow_that_differs_is_looked_at_and_the_others_are_not() -> None:
    world = deployed(*many(3))
    changed = [service("f0", memory=1024), *many(3)[1:]]
    assert world.looked_at(changed, 0) == {"f0"}
    same(world, *changed)


def test_an_image_that_is_gone_is_told_from_the_first_look_on_until_it_is_back() -> None:
    world = deployed(*many(2))
    world.ecr.repositories["data-flows/f1"].clear()
    assert world.plan_by_what_is_kept(many(2), 0).changes == 0
    for looks in (2, 0, 0):
        planned = world.plan_by_what_is_kept(many(2), looks)
        assert [note.text[:12] for item in planned.services for note in item.notes] == ["the registry"]
    world.deploy(*many(2))
    assert same(world, *many(2)).changes == 0


def test_where_one_release_is_another_than_was_kept_nothing_of_it_is_believed() -> None:
    services = many(3)
    world = deployed(*services)
    for item in services:  # an emulator that was wiped, and to which somebody else deployed
        family = f"data-flows-Local-{item.name}"
        (there,) = world.ecs.known[family]
        assert isinstance(there, Release)
        world.ecs.known[family] = [there.model_copy(update={"log_group": "/other"})]
    assert world.looked_at(services, 1) == {item.name for item in services}
    same(world, *services)


def test_a_release_that_was_deregistered_is_found_at_the_next_look() -> None:
    world = deployed(*many(2))
    world.ecs.known["data-flows-Local-f1"].clear()
    assert world.looked_at(many(2), 2) == {"f0", "f1", "f1:1"}
    same(world, *many(2))


def test_the_same_arn_under_other_deployments_is_read_again() -> None:
    world = deployed(service("a"))
    (there,) = world.ecs.known["data-flows-Local-a"]
    assert isinstance(there, Release)
    world.ecs.known["data-flows-Local-a"] = [there.model_copy(update={"log_group": "/other"})]
    (gone,) = world.prefect.by_id.values()
    anew = gone.model_copy(update={"id": "another"})
    world.prefect.by_id = {anew.id: anew}
    assert world.looked_at([service("a")], 0) == {"a"}
    same(world, service("a"))


def test_a_flow_whose_deployments_point_at_two_releases_is_looked_at() -> None:
    world = deployed(service("a"))
    world.deploy(service("a", memory=1024))
    (now,) = world.prefect.by_id.values()
    (first, _) = world.ecs.known["data-flows-Local-a"]
    copy = now.model_copy(update={"id": "copy", "name": "copy", "job_variables": {"task_definition_arn": first.arn}})
    world.prefect.by_id[copy.id] = copy
    assert world.looked_at([service("a", memory=1024)], 0) >= {"a"}
    assert world.looked_at([service("a", memory=1024)], 0) >= {"a"}
    same(world, service("a", memory=1024))


def test_a_newer_release_that_cannot_be_read_is_told_each_time_once_it_was_seen() -> None:
    world = deployed(service("a"))
    family = "data-flows-Local-a"
    world.ecs.known[family].append(UnreadRelease(family, 2, arn(family, 2), "written by a later version of the tools"))
    for looks in (1, 0, 0):
        planned = world.plan_by_what_is_kept([service("a")], looks)
        assert [str(note) for item in planned.services for note in item.notes] == [
            "release 2: written by a later version of the tools"
        ]


def test_after_a_rollback_the_release_that_is_live_counts_before_a_newer_one_that_says_the_same() -> None:
    before, after = service("a"), service("a", memory=1024)
    world = deployed(before)
    world.deploy(after)
    world.deploy(before)
    environment = Environment(SETTINGS, world.ecs, world.ecr, world.prefect, None)  # type: ignore[arg-type]
    clients = Clients(world.engine, world.ecr, world.ecs, world.prefect)
    planned = plan_rollback("a", "1", environment, "stop")
    apply(planned, ROOT, clients, world._who, lambda *_: None)
    assert [item.revision for item in world.ecs.known["data-flows-Local-a"]] == [1, 2, 3]
    assert same(world, before).changes == 0
    assert same(world, before).changes == 0


def test_what_a_deploy_left_half_done_is_found_though_the_repository_went_back() -> None:
    before = service("a")
    after = service("a", Deployment(name="daily", schedules=(*DAILY.schedules, Schedule(slug="new", cron="0 1 * * *"))))
    world = deployed(before)
    killed_at_the_patch(world, after)
    planned = same(world, before)
    assert [action.id for item in planned.services for action in item.actions] == [
        "register: delete a/daily: schedule new"
    ]
    world.deploy(before)
    assert same(world, before).changes == 0


def test_a_deploy_that_was_killed_before_it_registered_goes_on_with_the_release_that_it_made() -> None:
    world = deployed(service("a"))
    killed_at_the_patch(world, service("a", memory=1024))
    (item,) = same(world, service("a", memory=1024)).services
    assert (item.reused, item.release.revision) == (True, 2)


# The file ---------------------------------------------------------------------------------------------------------


def kept(path: Path, one: Release | None = None) -> Kept:
    """What is kept in a file after a release was."""
    made, one = Kept(path), one or release()
    made.keep("hello", one, [live(one)], NOW)
    made.save({"id-1": "hello", "id-2": "gone"})
    return made


def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "Dev.json"
    kept(path)
    again = Kept(path)
    assert again.release("hello", [live(release())]) == release()
    assert again.looked("hello", NOW) == NOW
    assert again.flow_names == {"id-1": "hello"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["Dev.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"job_variables": {"task_definition_arn": release(2).arn}},
        {"job_variables": {}},
        {"id": "another"},
    ],
    ids=["another release", "no release", "another deployment"],
)
def test_it_holds_for_the_same_deployments_alone(tmp_path: Path, change: dict[str, object]) -> None:
    made = kept(tmp_path / "Dev.json")
    assert made.release("hello", [live(release()).model_copy(update=change)]) is None
    assert made.release("hello", []) is None
    assert made.release("other", [live(release())]) is None


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda text: text[:100],
    "no text": lambda _: b"\xff\xfe\x00",
    "nested deeply": lambda _: b"[" * 100_000,
    "no object": lambda _: b"[]",
    "a later version": lambda text: text.replace(b'"version":1', b'"version":2', 1),
    "a field more": lambda text: text.replace(b'"version":1', b'"version":1,"more":1', 1),
    "no number": lambda text: text.replace(b'"revision":1', b'"revision":"1"', 1),
    "a record that cannot be read": lambda text: text.replace(b'\\"version\\":1', b'\\"version\\":99', 1),
    "a record that is none": lambda text: json.dumps(
        {**json.loads(text), "flows": {"hello": {**json.loads(text)["flows"]["hello"], "record": "{"}}}
    ).encode(),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_file_that_cannot_be_read_is_as_if_there_were_none(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "Dev.json"
    kept(path)
    right = path.read_bytes()
    assert spoil(right) != right
    path.write_bytes(spoil(right))
    assert Kept(path).release("hello", [live(release())]) is None
    kept(path)
    assert Kept(path).release("hello", [live(release())]) == release()


def test_where_it_cannot_be_written_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept(tmp_path / "file" / "Dev.json")
    (tmp_path / "Dev.json").mkdir()
    kept(tmp_path / "Dev.json")
    assert sorted(os.listdir(tmp_path)) == ["Dev.json", "file"]


def test_where_there_is_nothing_to_keep_there_is_no_file(tmp_path: Path) -> None:
    Kept(tmp_path / "kept" / "Dev.json").save({"id-1": "hello"})
    assert os.listdir(tmp_path) == []


def test_the_last_of_two_verbs_at_once_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "Dev.json"
    one, other = Kept(path), Kept(path)
    assert one.flow_names == other.flow_names == {}
    one.keep("hello", release(), [live(release())], NOW)
    one.save({})
    other.keep("hello", release(2), [live(release(2))], NOW)
    other.save({})
    assert Kept(path).release("hello", [live(release(2))]) == release(2)


@pytest.mark.parametrize(
    "one",
    [
        release(ecs_run={"task_role": "t", "execution_role": "e", "env": {"A": "1"}}).model_copy(
            update={"unknown": {"ecs_run.gpu": 1}}
        ),
        Release.model_construct(
            **{
                **dict(release()),
                "ecs_run": release().ecs_run.model_copy(update={"env": {"DB_PASSWORD": "canary"}}),
            }
        ),
    ],
    ids=["of a later version", "with what looks like a secret today"],
)
def test_a_release_that_would_not_read_back_or_may_hold_a_secret_is_not_kept(tmp_path: Path, one: Release) -> None:
    made = kept(tmp_path / "Dev.json", one)
    assert made.release("hello", [live(one)]) is None
    assert os.listdir(tmp_path) == []


def test_a_time_that_is_yet_to_come_is_long_ago(tmp_path: Path) -> None:
    made = kept(tmp_path / "Dev.json")
    assert made.looked("hello", NOW - timedelta(days=1)).year == 1970


def test_flows_that_left_the_repository_leave_it(tmp_path: Path) -> None:
    made = kept(tmp_path / "Dev.json")
    made.only({"other"})
    made.save({"id-1": "hello"})
    assert Kept(tmp_path / "Dev.json").flow_names == {}
    assert Kept(tmp_path / "Dev.json").release("hello", [live(release())]) is None
