"""A plan is carried out as it says; who fails drops out; stopped anywhere and run again, it arrives at the same end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tools.errors import RemoteError, UserError
from tools.model.images import FlowDescription
from tools.model.service import Deployment, Schedule, Service
from tools.plan.actions import MakeRelease, OnDrift
from tools.show.plan import plan_json
from tools.show.results import results_json
from tools.tests.fakes import FakeEcr, FakeEngine
from tools.tests.memory import World, service


def test_a_first_deploy_builds_pushes_releases_and_registers() -> None:
    world = World()
    (result,) = world.deploy(service("a"))
    assert result.error is None
    assert result.said == ["built", "pushed", "imported", "released", "created daily"]
    (deployment,) = world.prefect.by_id.values()
    assert deployment.job_variables == {"task_definition_arn": result.release.arn}
    assert "@sha256:" in result.release.image
    assert (result.release.commit, result.release.by) == ("abc", "someone")


def test_a_second_deploy_writes_nothing_and_asks_nobody_who_it_is() -> None:
    world = World()
    world.deploy(service("a"), service("b"))
    before, asked = list(world.writes), world.asked_who
    assert asked == 1
    results = world.deploy(service("a"), service("b"))
    assert [result.said for result in results] == [[], []]
    assert (world.writes, world.asked_who) == (before, asked)


def test_a_changed_file_builds_and_releases_only_its_service() -> None:
    world = World()
    world.deploy(service("a"), service("b"))
    world.engine.built.clear()
    world.fingerprints["a"] = "1" * 16
    a, b = world.deploy(service("a"), service("b"))
    assert world.engine.built == ["a"]
    assert a.said == ["built", "pushed", "imported", "released", "patched daily"]
    assert b.said == []


def test_a_changed_schedule_is_released_without_a_build() -> None:
    world = World()
    world.deploy(service("a"))
    world.engine.built.clear()
    later = Deployment(name="daily", schedules=(Schedule(slug="daily", cron="30 6 * * *"),))
    (result,) = world.deploy(service("a", later))
    assert result.said == ["released", "changed daily/daily", "patched daily"]
    assert world.engine.built == []


def test_a_release_that_is_there_already_is_pointed_at_and_not_registered_again() -> None:
    world = World()
    (first,) = world.deploy(service("a"))
    (second,) = world.deploy(service("a", memory=1024))
    (live,) = world.prefect.by_id.values()
    back = live.model_copy(update={"version": "1", "job_variables": {"task_definition_arn": first.release.arn}})
    world.prefect.by_id[live.id] = back  # as a rollback leaves it
    (third,) = world.deploy(service("a", memory=1024))
    assert third.said == ["patched daily"]
    assert third.release.arn == second.release.arn


@pytest.mark.parametrize("kind", ["unbuildable", "unpushable", "unimportable"])
def test_a_broken_service_drops_out_and_the_others_go_on(kind: str) -> None:
    world = World()
    getattr(world.engine, kind).add("b")
    a, b, c = world.deploy(service("a"), service("b"), service("c"))
    assert b.error is not None
    assert a.error is c.error is None
    assert {item.flow for item in world.prefect.by_id.values()} == {"a", "c"}
    assert "data-flows-Local-b" not in world.ecs.known


@pytest.mark.parametrize(
    ("flow", "declared", "said"),
    [
        (FlowDescription("other", {}), service("a"), "called 'other'"),
        (
            FlowDescription("a", {"properties": {"table": {}}}),
            service("a", Deployment(name="daily", parameters={"tabel": "x"})),
            "no parameter 'tabel'; it has table",
        ),
        (
            FlowDescription("a", {"properties": {"table": {}}, "required": ["table"]}),
            service("a"),
            "schedule daily/daily: the flow's parameter 'table' has no default",
        ),
    ],
    ids=["another name", "unknown parameter", "required parameter of a scheduled run"],
)
def test_what_importing_the_flow_shows_is_checked_before_anything_is_released(
    flow: FlowDescription, declared: Service, said: str
) -> None:
    world = World()
    world.engine.flows["a"] = flow
    (result,) = world.deploy(declared)
    assert isinstance(result.error, UserError)
    assert said in result.error.message
    assert world.ecs.known == {}
    assert world.prefect.by_id == {}


def test_a_missing_secret_is_told_before_anything_is_written() -> None:
    world = World()
    world.missing_parameters = {"/DataFlows/Local/a/SOURCE_URL"}
    (result,) = world.deploy(service("a", secrets={"URL": "SOURCE_URL"}))
    assert result.error is not None
    assert "/DataFlows/Local/a/SOURCE_URL does not exist" in result.error.message
    assert world.writes == []


def test_push_stops_after_the_push_and_register_goes_on_from_there() -> None:
    world = World()
    (pushed,) = world.deploy(service("a"), stages=("build", "push"))
    assert pushed.said == ["built", "pushed"]
    (registered,) = world.deploy(service("a"), stages=("import", "release", "register"))
    assert registered.said == ["imported", "released", "created daily"]
    assert world.engine.built == ["a"]


def test_register_before_the_push_says_so_and_writes_nothing() -> None:
    world = World()
    (result,) = world.deploy(service("a"), stages=("import", "release", "register"))
    assert result.error is not None
    assert "push it first: make push-flow NAME=a" in result.error.message
    assert world.writes == []


def test_an_image_that_only_the_registry_has_is_pulled_for_the_import() -> None:
    world = World()
    world.deploy(service("a"), stages=("build", "push"))
    world.engine.images.clear()
    (result,) = world.deploy(service("a"))
    assert result.said == ["imported", "released", "created daily"]
    assert world.engine.images == {result.release.image}


def test_an_image_that_the_registry_lost_is_told_and_pushed_again() -> None:
    world = World()
    (first,) = world.deploy(service("a"))
    (image,) = world.ecr.images(first.release.repository)
    world.ecr.remove(image)

    (planned,) = world.plan([service("a")]).services
    assert [note.text for note in planned.notes] == [
        f"the registry no longer has its image ({first.release.image}): its runs cannot start"
    ]
    (result,) = world.deploy(service("a"))

    assert result.said == ["built already", "pushed", "imported", "released", "patched daily"]
    assert world.ecr.digest(result.release.repository, result.release.fingerprint) == result.release.image_digest
    (again,) = world.plan([service("a")]).services
    assert (again.actions, again.notes) == ((), ())


def test_an_image_that_is_another_one_in_the_registry_is_told_imported_and_released() -> None:
    world = World()
    (first,) = world.deploy(service("a"))
    tags = world.ecr.repositories[first.release.repository]
    tags[first.release.fingerprint] = "sha256:of-somebody-else"

    (planned,) = world.plan([service("a")]).services
    reason = f"another image of the same fingerprint: {first.release.image_digest[7:19]} → of-somebody-"
    assert reason in [why for action in planned.of(MakeRelease) for why in action.why]
    (result,) = world.deploy(service("a"))

    assert result.said == ["imported", "released", "patched daily"]
    assert world.engine.imported[-1] == result.release.image
    assert result.release.image.endswith("@sha256:of-somebody-else")
    (again,) = world.plan([service("a")]).services
    assert (again.actions, again.notes) == ((), ())


def test_a_release_that_runs_beside_a_newer_declaration_is_told_where_its_image_is_gone() -> None:
    world = World()
    (first,) = world.deploy(service("a"))
    world.fingerprints["a"] = "1" * 16
    (image,) = world.ecr.images(first.release.repository)
    world.ecr.remove(image)

    (planned,) = world.plan([service("a")]).services
    (note,) = planned.notes
    assert (note.subject, first.release.image in note.text) == ("release 1", True)


def test_an_image_of_which_the_registry_lost_a_part_is_not_released() -> None:
    world = World()
    (planned,) = world.plan([service("a")]).services
    world.deploy(service("a"), stages=("build", "push"))
    digest = world.ecr.digest(planned.release.repository, planned.release.fingerprint)
    world.engine.torn.add(f"{world.ecr.address(planned.release.repository)}@{digest}")

    (result,) = world.deploy(service("a"))

    assert result.error is not None
    assert "no longer has all of" in result.error.message
    assert world.ecs.writes == world.prefect.writes == []


def test_what_is_imported_is_what_is_released_though_the_engine_has_another_image_under_the_tag() -> None:
    world = World()
    (planned,) = world.plan([service("a")]).services
    tag = planned.release.fingerprint
    world.ecr.ensure(planned.release.repository)
    world.ecr.repositories[planned.release.repository][tag] = "sha256:of-somebody-else"
    world.engine.images.add(planned.release.tag)
    (result,) = world.deploy(service("a"))
    assert result.error is None
    assert world.engine.imported == [result.release.image]
    assert result.release.image.endswith("@sha256:of-somebody-else")


@pytest.mark.parametrize(("on_drift", "description"), [("overwrite", ""), ("keep", "mine")])
def test_what_was_changed_by_hand_is_refused_until_somebody_says_what_to_do(
    on_drift: OnDrift, description: str
) -> None:
    world = World()
    world.deploy(service("a"))
    (live,) = world.prefect.by_id.values()
    world.prefect.by_id[live.id] = live.model_copy(update={"description": "mine"})
    (refused,) = world.deploy(service("a", memory=1024))
    assert refused.error is not None
    assert "description was changed by hand: it is mine" in refused.error.message
    (result,) = world.deploy(service("a", memory=1024), on_drift=on_drift)
    assert result.error is None
    assert world.prefect.by_id[live.id].description == description
    assert world.prefect.by_id[live.id].job_variables == {"task_definition_arn": result.release.arn}


class Killed(BaseException):
    """What stands for kill -9 in memory: nothing catches it."""


PREFECT_WRITES = ("create", "patch", "remove", "add_schedule", "change_schedule", "remove_schedule")
WRITES = ("build", "push", "ensure", "register", *PREFECT_WRITES)


def _killing(world: World, at: int, *, before: bool) -> None:
    """Makes the world's k-th write kill the deploy, before or after it took effect."""
    count = 0

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == at and before:
                raise Killed
            answer = call(*arguments, **named)
            if count == at:
                raise Killed
            return answer

        return wrapped

    for place in (world.engine, world.ecr, world.ecs, world.prefect):
        for name in WRITES:
            if hasattr(place, name):
                setattr(place, name, wrap(getattr(place, name)))


def _before() -> Service:
    schedules = (Schedule(slug="gone", cron="0 0 * * *"), Schedule(slug="moved", cron="0 1 * * *"))
    return service("a", Deployment(name="daily", schedules=schedules), Deployment(name="weekly"))


def _after() -> Service:
    schedules = (Schedule(slug="moved", cron="0 2 * * *"), Schedule(slug="new", cron="0 3 * * *"))
    return service(
        "a", Deployment(name="daily", schedules=schedules, parameters={}), Deployment(name="hourly"), memory=1024
    )


@pytest.mark.parametrize("before", [True, False], ids=["before the write", "after the write"])
@pytest.mark.parametrize("at", range(1, 9))
def test_killed_at_any_write_and_run_again_it_arrives_at_the_same_end(at: int, before: bool) -> None:
    def deployed(world: World) -> World:
        world.deploy(_before())
        world.fingerprints["a"] = "1" * 16
        return world

    undisturbed = deployed(World())
    undisturbed.deploy(_after())
    world = deployed(World())
    assert _killed(world, _after(), at, before=before)
    (result,) = world.deploy(_after())
    assert result.error is None
    assert world.dump() == undisturbed.dump()
    assert world.plan([_after()]).changes == 0


def _killed(world: World, declared: Service, at: int, *, before: bool) -> bool:
    """Deploys until the k-th write, then gives the world its writes back; whether there was such a write."""
    _killing(world, at, before=before)
    try:
        world.deploy(declared)
    except Killed:
        return True
    finally:
        for place in (world.engine, world.ecr, world.ecs, world.prefect):
            for name in WRITES:
                vars(place).pop(name, None)
    return False


@pytest.mark.parametrize("at", range(1, 6))
def test_a_refusal_by_prefect_half_way_leaves_the_old_release_complete(at: int) -> None:
    world = World()
    world.deploy(_before())
    daily = world.prefect.deployments(["a"])[0]
    paused = tuple(item.model_copy(update={"active": item.slug != "gone"}) for item in daily.schedules)
    world.prefect.by_id[daily.id] = daily.model_copy(update={"schedules": paused, "paused": True})
    before = world.dump()
    calls = _refusing(world, at)

    (result,) = world.deploy(_after())

    assert len(calls) == 2 * at - 1
    assert result.error is not None
    assert result.error.message.startswith("Prefect answered 409")
    assert ("taken back: all runs as before" in result.error.message) == (at > 1)
    assert world.dump() == before
    assert [item for item in result.said if item != "released"] == []
    _give_back(world)
    (again,) = world.deploy(_after())
    assert again.error is None
    assert world.plan([_after()]).changes == 0


def test_where_even_that_is_refused_it_is_told() -> None:
    world = World()
    world.deploy(_before())
    calls = _refusing(world, 3, and_later=True)

    (result,) = world.deploy(_after())

    assert len(calls) == 4
    assert result.error is not None
    assert "what was written before that is still there: Prefect answered 409" in result.error.message
    _give_back(world)
    assert world.deploy(_after())[0].error is None
    assert world.plan([_after()]).changes == 0


def _refusing(world: World, at: int, *, and_later: bool = False) -> list[str]:
    """Makes Prefect refuse the world's k-th write, and perhaps all that follow; gives what is asked of it."""
    calls: list[str] = []

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            calls.append(name)
            if len(calls) == at or (and_later and len(calls) > at):
                raise RemoteError(f"Prefect answered 409 to {name}: no")
            return call(*arguments, **named)

        return wrapped

    for name in PREFECT_WRITES:
        setattr(world.prefect, name, wrap(name, getattr(world.prefect, name)))
    return calls


def _give_back(world: World) -> None:
    """Its writes to Prefect are as before."""
    for name in PREFECT_WRITES:
        vars(world.prefect).pop(name, None)


@pytest.mark.parametrize("second", range(1, 7))
@pytest.mark.parametrize("first", range(1, 7))
def test_two_deploys_of_different_content_killed_one_after_the_other_leave_nothing_to_mend(
    first: int, second: int
) -> None:
    world, undisturbed = World(), World()
    world.deploy(_before())
    other = service(
        "a", Deployment(name="daily", schedules=(Schedule(slug="moved", cron="0 9 * * *"),)), memory=2048, cpu=512
    )
    _killed(world, other, first, before=False)
    _killed(world, _after(), second, before=False)
    (result,) = world.deploy(_after())
    undisturbed.deploy(_before())
    undisturbed.deploy(_after())
    assert result.error is None
    assert _schedules(world) == _schedules(undisturbed)
    assert world.plan([_after()]).changes == 0


def _schedules(world: World) -> dict[tuple[str, str], Any]:
    return {
        (live.name, schedule.slug): (schedule.schedule, schedule.active)
        for live in world.prefect.by_id.values()
        for schedule in live.schedules
    }


def test_a_registry_that_shows_no_image_after_the_push_stops_the_release() -> None:
    class Forgetful(FakeEcr):
        def digest(self, repository: str, tag: str) -> str | None:
            return None

    world = World()
    world.ecr = Forgetful()
    world.engine = FakeEngine(world.ecr)
    (result,) = world.deploy(service("a"))
    assert isinstance(result.error, RemoteError)
    assert "does not show" in result.error.message
    assert world.ecs.known == {}


def test_an_image_that_the_engine_has_is_not_built_again_and_that_is_told() -> None:
    world = World()
    (planned,) = world.plan([service("a")]).services
    world.engine.images.add(planned.release.tag)
    (result,) = world.deploy(service("a"))
    assert world.engine.built == []
    assert result.said == ["built already", "pushed", "imported", "released", "created daily"]


@pytest.mark.parametrize(
    ("broken", "done", "failed"),
    [
        ("unbuildable", [], "build"),
        ("unpushable", ["build"], "push"),
        ("unimportable", ["build", "push"], "import"),
    ],
)
def test_a_service_that_fails_names_the_action_it_failed_at(broken: str, done: list[str], failed: str) -> None:
    world = World()
    getattr(world.engine, broken).add("a")
    (result,) = world.deploy(service("a"))
    assert [item.action.verb for item in result.done] == done
    assert result.failed
    assert (result.failed.verb, result.error is None) == (failed, False)


def test_what_came_of_a_plan_is_joined_to_it_by_the_actions_ids() -> None:
    world = World()
    world.engine.unpushable.add("b")
    planned = world.plan([service("a"), service("b")])
    results = world.deploy(service("a"), service("b"))
    told = {item["name"]: item for item in results_json(planned, results)["flows"]}
    for item in plan_json(planned, datetime(2026, 1, 1, tzinfo=UTC))["flows"]:
        came = told[item["name"]]["actions"]
        assert [(one["id"], one["stage"], one["verb"], one["subject"]) for one in came] == [
            (one["id"], one["stage"], one["verb"], one["subject"]) for one in item["actions"]
        ]
        assert len({one["id"] for one in came}) == len(came)
    assert {one["outcome"] for one in told["a"]["actions"]} == {"done"}
    assert [one["outcome"] for one in told["b"]["actions"]] == ["done", "failed", "left", "left", "left"]
