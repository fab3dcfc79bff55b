"""A plan names what differs and nothing else; carried out, it leaves nothing to do, wherever it was stopped before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.desired.draft import desire
from tools.desired.fingerprint import Fingerprint
from tools.model.observed import Observed, RoleObserved
from tools.model.release import Release
from tools.model.service import Declaration, Deployment, Schedule, Service
from tools.plan.actions import ALL, Stage
from tools.plan.deploy import plan
from tools.settings import Connection, Settings
from tools.tests.worlds import (
    POOL,
    SCHEMA,
    arn,
    carried_out,
    deployment,
    drift,
    live,
    planned,
    release,
    said,
    schedule,
    wanted,
    why,
    world,
)

NEW = "1" * 16
IMAGE = f"data-flows/hello:{NEW}"
PRINT = Fingerprint(NEW, {})
FAMILY = "data-flows-Dev-hello"
BUILD = [f"build {IMAGE}", f"push {IMAGE}", f"import {IMAGE}"]

# What a deploy does ---------------------------------------------------------------------------------------------------

ROWS: dict[str, tuple[Release, Observed, list[str], list[str]]] = {
    "the first deploy": (
        release(None, fingerprint=NEW),
        world(),
        [*BUILD, f"release {FAMILY}", "create hello/main"],
        [
            "there is no image yet",
            "the registry has no such image",
            "its parameter schema is unknown",
            "there is no release yet",
            "there is no such deployment yet",
        ],
    ),
    "the first deploy of an image that was pushed": (
        release(None, fingerprint=NEW),
        world(image="registry.test/data-flows/hello@sha256:1"),
        [f"import {IMAGE}", f"release {FAMILY}", "create hello/main"],
        ["its parameter schema is unknown", "there is no release yet", "there is no such deployment yet"],
    ),
    "the first deploy without deployments": (
        release(None, fingerprint=NEW, deployments=()),
        world(image="registry.test/data-flows/hello@sha256:1"),
        [f"import {IMAGE}", f"release {FAMILY}"],
        ["its parameter schema is unknown", "there is no release yet"],
    ),
    "nothing changed": (release(None), world(release(1)), [], []),
    "another commit": (release(None, commit="new", by="you", at="now"), world(release(1)), [], []),
    "deployments in another order": (
        release(None, deployments=(deployment("b"), deployment("a"))),
        world(release(1, deployments=(deployment("a"), deployment("b")))),
        [],
        [],
    ),
    "a changed file": (
        release(None, fingerprint=NEW),
        world(release(1)),
        [*BUILD, f"release {FAMILY}", "patch hello/main"],
        [
            f"fingerprint 0000000000000000 → {NEW}",
            "the registry has no such image",
            "its parameter schema is unknown",
            "the new image",
            "the parameter schema of the new image",
            "it points at the release",
        ],
    ),
    "more memory": (
        release(None, ecs_run={"memory": 1024}),
        world(release(1, ecs_run={})),
        [f"release {FAMILY}", "patch hello/main"],
        ["ecs_run.memory 512 → 1024", "it points at the release"],
    ),
    "an owner, of which earlier releases knew nothing": (
        release(None, owner="data-products@example.com"),
        world(release(1)),
        [f"release {FAMILY}", "patch hello/main"],
        ["owner none → data-products@example.com", "it points at the release"],
    ),
    "a new secret": (
        release(None, ecs_run={"secrets": {"A": "A"}}, secret_paths={"A": "/DataFlows/Dev/hello/A"}),
        world(release(1, ecs_run={})),
        [f"release {FAMILY}", "patch hello/main"],
        ["ecs_run.secrets.A none → A", "secret_paths.A none → /DataFlows/Dev/hello/A", "it points at the release"],
    ),
    "a changed schedule": (
        release(None, deployments=(deployment(schedules=(schedule(cron="30 6 * * *"),)),)),
        world(release(1)),
        [f"release {FAMILY}", "change hello/main: schedule daily", "patch hello/main"],
        [
            "deployments.main.schedules.daily.cron 0 6 * * * → 30 6 * * *",
            "0 6 * * * UTC → 30 6 * * * UTC",
            "it points at the release",
        ],
    ),
    "a parameter that becomes true": (
        release(None, deployments=(deployment(parameters={"limit": True}),)),
        world(release(1, deployments=(deployment(parameters={"limit": 1}),))),
        [f"release {FAMILY}", "patch hello/main"],
        [
            "deployments.main.parameters.limit 1 → True",
            "parameters {'limit': 1} → {'limit': True}",
            "it points at the release",
        ],
    ),
    "a new deployment": (
        release(None, deployments=(deployment(), deployment("other", schedules=()))),
        world(release(1)),
        [f"release {FAMILY}", "patch hello/main", "create hello/other"],
        [
            "deployments.other none → {'name': 'other', 'description': '', 'tags': [], 'parameters': {}, …",
            "it points at the release",
            "there is no such deployment yet",
        ],
    ),
    "another entrypoint in the same image": (
        release(None, entrypoint="other.py:hello"),
        world(release(1)),
        ["import data-flows/hello:0000000000000000", f"release {FAMILY}", "patch hello/main"],
        [
            "its parameter schema is unknown",
            "entrypoint flow.py:hello → other.py:hello",
            "entrypoint flow.py:hello → other.py:hello",
            "the parameter schema of the new image",
            "it points at the release",
        ],
    ),
    "back to a release that is still pointed at": (
        release(None),
        world(release(1), release(2, fingerprint=NEW), deployments=[live(release(1))]),
        [],
        [],
    ),
    "on again to the newest release": (
        release(None, fingerprint=NEW),
        world(release(1), release(2, fingerprint=NEW), deployments=[live(release(1))]),
        ["patch hello/main"],
        ["it points at the release"],
    ),
    "the old image with other sizes": (
        release(None, ecs_run={"memory": 1024}),
        world(release(1, ecs_run={}), release(2, ecs_run={}, fingerprint=NEW), deployments=[live(release(1))]),
        [f"release {FAMILY}", "patch hello/main"],
        [
            "ecs_run.memory 512 → 1024",
            "it points at the release",
        ],
    ),
    "a deployment that somebody removed": (
        release(None),
        world(release(1), deployments=[]),
        ["create hello/main"],
        ["there is no such deployment yet"],
    ),
    "releases of another version's making only": (
        release(None, fingerprint=NEW),
        Observed(deployments=(live(release(1)),), image="registry.test/data-flows/hello@sha256:1"),
        [f"import {IMAGE}", f"release {FAMILY}", "patch hello/main"],
        [
            "its parameter schema is unknown",
            "there is no release yet",
            "the parameter schema of the new image",
            "it points at the release",
        ],
    ),
}


@pytest.mark.parametrize(("draft", "observed", "actions", "reasons"), ROWS.values(), ids=ROWS)
def test_a_deploy_does(draft: Release, observed: Observed, actions: list[str], reasons: list[str]) -> None:
    item = planned(draft, observed, "overwrite")

    assert said(item) == actions
    assert why(item) == reasons
    assert item.problems == ()


@pytest.mark.parametrize(("draft", "observed", "actions", "reasons"), ROWS.values(), ids=ROWS)
def test_after_a_deploy_there_is_nothing_to_do(
    draft: Release, observed: Observed, actions: list[str], reasons: list[str]
) -> None:
    done = carried_out(planned(draft, observed, "overwrite"), observed, draft)

    again = planned(draft, done)

    assert (said(again), again.problems) == ([], ())
    assert again.reused


def test_a_release_is_registered_once_for_equal_drafts_and_its_number_is_known() -> None:
    item = planned(release(None, fingerprint=NEW), world(release(1), release(2, fingerprint=NEW)))

    assert (item.reused, item.release.revision, item.release.arn) == (True, 2, arn(2))


def test_an_environment_s_own_memory_is_a_change_there_only() -> None:
    declared: dict[str, Any] = {"docker_storage": {"entrypoint": "flow.py:hello"}, "deployments": [{"name": "main"}]}
    bigger = {**declared, "environments": {"Prod": {"ecs_run": {"memory": 1024}}}}
    reasons = {}
    for environment in ("Dev", "Prod"):
        where = Settings(
            environment=environment,
            prefect_api_url="https://prefect.example.com/api",
            aws=Connection("eu-west-1"),
            work_pool=POOL,
            execution_role="execution",
            task_role="task",
            log_group="/logs",
            lake_url="s3://lake",
        )
        before, after = (
            desire(Service(name="hello", path=Path("/"), declaration=Declaration.model_validate(text)), PRINT, where)
            for text in (declared, bigger)
        )
        known = {"image": "x@sha256:1", "parameter_schema": SCHEMA, "revision": 1, "arn": arn(1)}
        observed = world(before.draft.model_copy(update=known), image=known["image"])
        (item,) = plan(environment, [after], {"hello": observed}).services
        reasons[environment] = why(item)

    assert reasons == {"Dev": [], "Prod": ["ecs_run.memory 512 → 1024", "it points at the release"]}


def test_each_service_is_planned_by_itself() -> None:
    one, other = wanted(release(None)), wanted(release(None, service="other", fingerprint=NEW))
    state = {"hello": world(release(1), image=release(1).image), "other": world()}

    found = plan("Dev", [one, other], state)

    assert [(item.name, bool(item.actions)) for item in found.services] == [("hello", False), ("other", True)]
    assert found.changes == 5


# Some stages only -----------------------------------------------------------------------------------------------------

STAGES: dict[str, tuple[tuple[Stage, ...], list[str]]] = {
    "all": (ALL, ["build", "push", "import", "release", "patch"]),
    "build and push": (("build", "push"), ["build", "push"]),
    "release and register": (("import", "release", "register"), ["import", "release", "patch"]),
}


@pytest.mark.parametrize(("stages", "verbs"), STAGES.values(), ids=STAGES)
def test_a_verb_plans_its_own_stages(stages: tuple[Stage, ...], verbs: list[str]) -> None:
    draft = release(None, fingerprint=NEW)
    (item,) = plan("Dev", [wanted(draft)], {"hello": world(release(1))}, stages).services

    assert [action.verb for action in item.actions] == verbs


def test_what_is_not_pushed_cannot_be_registered() -> None:
    draft, stages = wanted(release(None, fingerprint=NEW)), ("import", "release", "register")

    (item,) = plan("Dev", [draft], {"hello": world(release(1))}, stages).services  # type: ignore[arg-type]

    assert item.problems == (f"the image {IMAGE} is not in the registry; push it first: make push-flow NAME=hello",)


def test_what_is_pushed_can_be_registered() -> None:
    draft, stages = wanted(release(None, fingerprint=NEW)), ("import", "release", "register")
    observed = world(release(1), image="registry.test/data-flows/hello@sha256:1")

    (item,) = plan("Dev", [draft], {"hello": observed}, stages).services  # type: ignore[arg-type]

    assert item.problems == ()


# What cannot be deployed ----------------------------------------------------------------------------------------------


def test_a_missing_secret_refuses_the_service() -> None:
    observed = world(release(1), missing_secrets=("/DataFlows/Dev/hello/A", "/DataFlows/Dev/hello/B"))

    assert planned(release(None), observed).problems == (
        "the secret's parameter /DataFlows/Dev/hello/A does not exist",
        "the secret's parameter /DataFlows/Dev/hello/B does not exist",
    )


LACKS = RoleObserved(("make bootstrap ENVIRONMENT=Dev first: the role x lacks s3:GetObject on y",), "a word on it")


def test_a_role_that_lacks_something_refuses_a_release_and_nothing_else() -> None:
    new, same = release(None, ecs_run={"memory": 1024}), release(None)

    assert planned(new, world(release(1), role=LACKS)).problems == LACKS.problems
    assert [str(note) for note in planned(new, world(release(1), role=LACKS)).notes] == ["a word on it"]
    unchanged = planned(same, world(release(1), role=LACKS))
    assert (unchanged.problems, unchanged.notes) == ((), ())
    scheduled = planned(same, world(release(1), deployments=[], role=LACKS))
    assert (said(scheduled), scheduled.problems) == (["create hello/main"], ())


def test_a_permission_more_is_told_by_what_it_allows() -> None:
    may = {"actions": ["secretsmanager:GetSecretValue"], "resources": ["arn:aws:secretsmanager:::secret:TOKEN"]}

    (action,) = planned(release(None, ecs_run={"permissions": [may]}), world(release(1, ecs_run={}))).actions[:1]

    told = "ecs_run.permissions.secretsmanager:GetSecretValue on arn:aws:secretsmanager:::secret:TOKEN none → always"
    assert action.why == (told,)


# Whatever is declared, in whatever order ----------------------------------------------------------------------------

CRONS = st.sampled_from(["0 6 * * *", "0 7 * * *", "0 8 * * *"])
SCHEDULES = st.builds(
    lambda slug, cron, parameters: Schedule(slug=slug, cron=cron, parameters=parameters),
    st.sampled_from(["a", "b", "c"]),
    CRONS,
    st.sampled_from([{}, {"limit": 1}, {"limit": True}]),
)
DEPLOYMENTS = st.builds(
    lambda name, schedules, description, active_in, limit: Deployment(
        name=name,
        schedules=tuple(schedules),
        description=description,
        active_in=active_in,
        concurrency_limit=limit,
    ),
    st.sampled_from(["main", "other"]),
    st.lists(SCHEDULES, max_size=2, unique_by=lambda item: item.slug),
    st.sampled_from(["", "x"]),
    st.sampled_from([None, ("Dev",), ("Prod",)]),
    st.sampled_from([None, 1]),
)
DRAFTS = st.builds(
    lambda deployments, fingerprint, ecs_run: release(
        None, deployments=tuple(deployments), fingerprint=fingerprint, ecs_run=ecs_run
    ),
    st.lists(DEPLOYMENTS, max_size=2, unique_by=lambda item: item.name),
    st.sampled_from(["0" * 16, NEW]),
    st.sampled_from([{}, {"memory": 1024}, {"capacity": "FARGATE_SPOT"}]),
)
#: The fields of a deployment that the repository decides, whatever the history.
DECIDED = ("description", "tags", "parameters", "entrypoint", "job_variables", "parameter_schema", "version")


def deployed(drafts: list[Release]) -> Observed:
    """A world after some deploys."""
    observed = world()
    for draft in drafts:
        observed = carried_out(planned(draft, observed), observed, draft)
    return observed


def trimmed(observed: Observed) -> Observed:
    """A world as it is observed: of the releases only those that are pointed at, and the newest."""
    pointed_at = {item.job_variables["task_definition_arn"] for item in observed.deployments}
    newest = {observed.newest.arn} if observed.newest else set()
    kept = {name: item for name, item in observed.releases.items() if name in pointed_at | newest}
    return replace(observed, releases=kept)


@given(st.lists(DRAFTS, max_size=3), DRAFTS)
def test_a_deploy_leaves_just_what_is_declared(history: list[Release], draft: Release) -> None:
    before = deployed(history)
    item = planned(draft, before)
    assert (drift(item), item.problems) == ([], ())
    assert all(action.why for action in item.actions)

    after = carried_out(item, before, draft)

    assert said(planned(draft, after)) == []
    there = {found.name: found for found in after.deployments}
    for name in (declared.name for declared in draft.deployments):
        expected = live(planned(draft, after).release, name)
        assert {field: getattr(there[name], field) for field in DECIDED} == {
            field: getattr(expected, field) for field in DECIDED
        }
        assert {one.slug: (one.schedule, one.parameters) for one in there[name].schedules} == {
            one.slug: (one.schedule, one.parameters) for one in expected.schedules
        }


@given(st.lists(DRAFTS, max_size=2), DRAFTS, st.integers(0, 12))
def test_stopped_anywhere_and_run_again_a_deploy_arrives_at_the_same_end(
    history: list[Release], draft: Release, steps: int
) -> None:
    before = deployed(history)
    item = planned(draft, before)
    at_once = carried_out(item, before, draft)

    stopped = carried_out(item, before, draft, steps)
    again = planned(draft, stopped)
    at_last = carried_out(again, stopped, draft)

    assert (drift(again), again.problems) == ([], ())
    assert canonical(at_last) == canonical(at_once)
    assert said(planned(draft, at_last)) == []


@given(st.lists(DRAFTS, max_size=2), DRAFTS, st.integers(0, 12), DRAFTS)
def test_a_stopped_deploy_is_no_change_by_hand_to_the_next_one(
    history: list[Release], first: Release, steps: int, second: Release
) -> None:
    before = trimmed(deployed(history))
    stopped = trimmed(carried_out(planned(first, before), before, first, steps))

    item = planned(second, stopped)

    assert (drift(item), item.problems) == ([], ())
    assert said(planned(second, carried_out(item, stopped, second))) == []


def canonical(observed: Observed) -> object:
    """A world without the order of things."""
    return [
        (item.model_copy(update={"schedules": ()}), sorted(item.schedules, key=lambda one: one.slug))
        for item in sorted(observed.deployments, key=lambda one: one.name)
    ]
