"""A plan is readable on a terminal, safe in a pull request and whole for machines, and shows no credential anywhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tools.model.observed import Observed
from tools.model.release import Release
from tools.model.secrets import HIDDEN
from tools.plan.actions import Note, OnDrift, Plan, ServicePlan
from tools.show.plan import plan_json, plan_markdown, plan_text, summary
from tools.tests.screens import screen
from tools.tests.worlds import deployment, live, live_schedule, planned, release, schedule, world

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ONE = release(1, ecs_run={})
LATER = release(None, ecs_run={"memory": 1024}, deployments=(deployment(schedules=(schedule(cron="30 6 * * *"),)),))


def plan_of(*items: ServicePlan, notes: tuple[Note, ...] = ()) -> Plan:
    """A plan for Dev."""
    return Plan("Dev", items, notes=notes)


def drifting(on_drift: OnDrift = "stop") -> ServicePlan:
    """The plan of a flow whose description was changed by hand."""
    return planned(ONE, world(ONE, deployments=[live(ONE, description="mine")]), on_drift)


def refused() -> ServicePlan:
    """The plan of a flow that cannot be deployed."""
    return planned(LATER, world(ONE, missing_secrets=("/DataFlows/Dev/hello/A",)))


CHANGED = planned(LATER, world(ONE))
UNCHANGED = planned(ONE, world(ONE))
PAUSED = planned(ONE, world(ONE, deployments=[live(ONE, paused=True)]))
NEW = planned(release(None, fingerprint="1" * 16), world())

# For a terminal -------------------------------------------------------------------------------------------------------


def test_a_plan_on_a_wide_terminal() -> None:
    assert screen(plan_text(plan_of(CHANGED), NOW), 160).splitlines() == [
        "hello  a new release",
        "  release  data-flows-Dev-hello        deployments.main.schedules.daily.cron 0 6 * * * → 30 6 * * *",
        "                                       ecs_run.memory 512 → 1024",
        "  change   hello/main: schedule daily  0 6 * * * UTC → 30 6 * * * UTC",
        "                                       daily: next run Thu 2026-11-26 06:30 UTC",
        "  patch    hello/main                  it points at the release",
        "",
        "",
        "Dev: 1 to change",
    ]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut_off(width: int) -> None:
    long = "x" * 60
    item = planned(release(None, log_group=f"/{long}"), world(ONE, missing_secrets=(f"/DataFlows/Dev/hello/{long}",)))
    shown = screen(plan_text(plan_of(item, CHANGED, NEW, notes=(Note("", long),)), NOW), width)

    assert max(map(len, shown.splitlines())) <= width
    wide = screen(plan_text(plan_of(item, CHANGED, NEW, notes=(Note("", long),)), NOW), 400)
    assert sorted("".join(shown.split())) == sorted("".join(wide.split()))


def test_flows_without_anything_to_tell_take_a_line_each() -> None:
    assert screen(plan_text(plan_of(UNCHANGED), NOW), 80).splitlines() == ["hello  unchanged", "", "Dev: 1 unchanged"]


def test_notes_are_told_of_a_flow_that_is_unchanged() -> None:
    assert screen(plan_text(plan_of(PAUSED), NOW), 100).splitlines()[:2] == [
        "hello  unchanged",
        "  note  deployment hello/main  is paused, and stays so",
    ]


def test_drift_shows_both_values_and_that_a_deploy_refuses_it() -> None:
    head, row, *_ = screen(plan_text(plan_of(drifting()), NOW), 120).splitlines()

    assert head == "hello  refused until --overwrite or --keep says what becomes of the drift"
    assert "description mine → none" in row
    assert "it is mine, declared is none" in screen(plan_text(plan_of(drifting()), NOW), 120)


@pytest.mark.parametrize(("on_drift", "head"), [("overwrite", "release 1"), ("keep", "unchanged")])
def test_drift_that_was_decided_about_is_not_refused(on_drift: OnDrift, head: str) -> None:
    assert screen(plan_text(plan_of(drifting(on_drift)), NOW), 120).splitlines()[0] == f"hello  {head}"


def test_a_flow_that_cannot_be_deployed_says_why() -> None:
    shown = screen(plan_text(plan_of(refused()), NOW), 120)

    assert shown.splitlines()[0] == "hello  refused"
    assert "the secret's parameter /DataFlows/Dev/hello/A does not exist" in shown


def test_what_looks_like_the_terminals_markup_is_shown_as_it_is() -> None:
    item = planned(release(None, deployments=(deployment(description="[red]x[/] [/] \\[b]"),)), world(ONE))

    assert "description none → [red]x[/] [/] \\[b]" in screen(plan_text(plan_of(item), NOW), 120)


SUMMARIES: dict[str, tuple[list[ServicePlan], str]] = {
    "nothing": ([], "Dev: no flows"),
    "unchanged": ([UNCHANGED, PAUSED], "Dev: 2 unchanged"),
    "of every kind": (
        [CHANGED, NEW, drifting("keep"), refused(), UNCHANGED],
        "Dev: 3 to change, 1 drifting, 1 refused, 1 unchanged",
    ),
}


@pytest.mark.parametrize(("items", "said"), SUMMARIES.values(), ids=SUMMARIES)
def test_the_last_line_counts(items: list[ServicePlan], said: str) -> None:
    assert summary(plan_of(*items)) == said


# When schedules run next ----------------------------------------------------------------------------------------------

WHEN: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # declared, live -> what is told
    "a cron": ({"schedules": (schedule("new", "15 6 * * *"),)}, {}, "new: next run Thu 2026-11-26 06:15 UTC"),
    "an interval": ({"schedules": (schedule("new", None, interval=1209600),)}, {}, "new: next run within 1209600 s"),
    "a rule that is over": (
        {"schedules": (schedule("new", None, rrule="DTSTART:20200101T000000\nRRULE:FREQ=DAILY;COUNT=3"),)},
        {},
        "new: never runs again",
    ),
    "not active here": ({"schedules": (schedule("new"),), "active_in": ("Prod",)}, {}, "new: paused"),
    "of a deployment that is paused": ({"schedules": (schedule("new"),)}, {"paused": True}, "new: paused"),
    "changed, of a deployment that is paused": (
        {"schedules": (schedule(cron="30 6 * * *"),)},
        {"paused": True},
        "daily: paused",
    ),
    "changed while paused": (
        {"schedules": (schedule(cron="30 6 * * *"),)},
        {"schedules": (live_schedule(active=False),)},
        "daily: paused",
    ),
}


@pytest.mark.parametrize(("declared", "by_hand", "told"), WHEN.values(), ids=WHEN)
def test_when_a_schedule_runs_next_is_told(declared: dict[str, Any], by_hand: dict[str, Any], told: str) -> None:
    item = planned(release(None, deployments=(deployment(**declared),)), world(ONE, deployments=[live(ONE, **by_hand)]))

    assert told in screen(plan_text(plan_of(item), NOW), 160)


def test_a_new_deployment_tells_when_each_of_its_schedules_runs() -> None:
    two = deployment("other", schedules=(schedule("a", "0 1 * * *"), schedule("b", "0 2 * * *")))
    item = planned(release(None, deployments=(deployment(), two)), world(ONE))
    (created,) = [action for action in item.actions if action.verb == "create"]

    found = plan_json(plan_of(item), NOW)["flows"][0]["actions"][item.actions.index(created)]
    assert found["next_runs"] == {"a": "2026-11-26T01:00:00+00:00", "b": "2026-11-26T02:00:00+00:00"}


# For a pull request ---------------------------------------------------------------------------------------------------


def test_a_plan_in_markdown() -> None:
    assert plan_markdown(plan_of(CHANGED, UNCHANGED, notes=(Note("old/main", "gone"),)), NOW).splitlines() == [
        "### Deploy plan for Dev: 1 to change, 1 unchanged",
        "",
        "**hello** (a new release)",
        "",
        "| | what | why |",
        "| --- | --- | --- |",
        "| release | data-flows-Dev-hello | deployments.main.schedules.daily.cron 0 6 \\* \\* \\* → 30 6 \\* \\* \\*"
        "<br>ecs\\_run.memory 512 → 1024 |",
        "| change | hello/main: schedule daily | 0 6 \\* \\* \\* UTC → 30 6 \\* \\* \\* UTC<br>"
        "daily: next run Thu 2026-11-26 06:30 UTC |",
        "| patch | hello/main | it points at the release |",
        "",
        "- old/main: gone",
        "Unchanged: hello",
    ]


MARKUP: dict[str, tuple[str, str]] = {
    "a column": ("a | b", "a &#124; b"),
    "an escaped column": ("a \\| b", "a \\\\&#124; b"),
    "HTML": ("<script>x</script> &amp;", "&lt;script>x&lt;/script> &amp;amp;"),
    "a link": ("[here](https://example.com)", "\\[here\\](https://example.com)"),
    "a picture": ("![x](https://example.com/x.png)", "!\\[x\\](https://example.com/x.png)"),
    "code": ("`x`", "\\`x\\`"),
    "emphasis": ("*x* _y_ ~~z~~", "\\*x\\* \\_y\\_ \\~\\~z\\~\\~"),
    "a backslash before a sign": ("\\_x\\_", "\\\\\\_x\\\\\\_"),
    "a person": ("ask @somebody", "ask @<!-- -->somebody"),
    "an image's digest": ("x@sha256:1", "x@sha256:1"),
    "a line break": ("a\nb", "a<br>description none → b"),
}


@pytest.mark.parametrize(("text", "cell"), MARKUP.values(), ids=MARKUP)
def test_nothing_that_was_declared_is_markup(text: str, cell: str) -> None:
    item = planned(release(None, deployments=(deployment(description=text),)), world(ONE))
    rows = [line for line in plan_markdown(plan_of(item), NOW).splitlines() if line.startswith("|")]

    assert all(len(row.split("|")) == 5 for row in rows)
    assert cell.split("<br>")[0] in rows[-1]


# For machines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [CHANGED, NEW, UNCHANGED, PAUSED, drifting(), refused()])
def test_machines_are_told_all_of_it(item: ServicePlan) -> None:
    told = plan_json(plan_of(item, notes=(Note("x", "a note"),)), NOW)

    assert json.loads(json.dumps(told)) == told
    (found,) = told["flows"]
    assert (told["environment"], told["changes"], told["notes"]) == (
        "Dev",
        len(item.actions),
        [{"subject": "x", "text": "a note"}],
    )
    assert [(action["verb"], action["subject"], action["why"]) for action in found["actions"]] == [
        (action.verb, action.subject, list(action.why)) for action in item.actions
    ]
    assert found["refused"] == [*item.problems, *item.refused]
    assert (found["problems"], found["notes"]) == (
        list(item.problems),
        [{"subject": note.subject, "text": note.text} for note in item.notes],
    )
    assert [one["subject"] for one in found["drift"]] == [one.subject for one in item.drift]


def test_machines_are_told_both_values_of_drift() -> None:
    (found,) = plan_json(plan_of(drifting()), NOW)["flows"]

    assert found["drift"] == [{"subject": "hello/main: description", "live": "mine", "declared": ""}]


# No credential --------------------------------------------------------------------------------------------------------

CANARY = "canary-5c1e"
URL = f"postgresql://flows:{CANARY}@db.example.com/x"


def parameters(value: dict[str, Any]) -> Release:
    """A release whose deployment has such parameters; written by a version that did not refuse them."""
    declared = deployment().model_copy(update={"parameters": value})
    return ONE.model_copy(update={"deployments": (declared,)})


def by_hand(**changes: Any) -> Observed:
    """A world whose deployment was changed by hand."""
    return world(ONE, deployments=[live(ONE, **changes)])


SECRETS: dict[str, tuple[Release, Observed]] = {
    "a parameter set by hand": (ONE, by_hand(parameters={"password": CANARY})),
    "a URL with a password, set by hand": (ONE, by_hand(parameters={"table": URL})),
    "a number": (ONE, by_hand(parameters={"api_key": int("5"), "token": [CANARY]})),
    "one that lies deeper": (ONE, by_hand(parameters={"where": [{"db_password": CANARY}, URL]})),
    "a variable among the job variables": (
        ONE,
        by_hand(job_variables={**live(ONE).job_variables, "env": {"SOURCE_URL": URL, "API_TOKEN": CANARY}}),
    ),
    "a description": (ONE, by_hand(description=f"log in at {URL}")),
    "a schedule's parameters": (ONE, by_hand(schedules=(live_schedule(parameters={"secret": CANARY}),))),
    "an old release's parameters": (parameters({}), world(parameters({"password": CANARY}))),
    "an old release's variables": (
        ONE,
        world(ONE.model_copy(update={"ecs_run": ONE.ecs_run.model_copy(update={"env": {"DB_PASSWORD": CANARY}})})),
    ),
    "all of a new deployment's": (
        parameters({"where": {"credentials": {"user": CANARY}}}),
        world(release(1, deployments=())),
    ),
}


@pytest.mark.parametrize("on_drift", ["stop", "overwrite", "keep"])
@pytest.mark.parametrize(("draft", "observed"), SECRETS.values(), ids=SECRETS)
def test_no_credential_is_shown(draft: Release, observed: Observed, on_drift: OnDrift) -> None:
    planned_for = plan_of(planned(draft, observed, on_drift))
    said = [
        screen(plan_text(planned_for, NOW), 400),
        plan_markdown(planned_for, NOW),
        json.dumps(plan_json(planned_for, NOW)),
        str(planned_for.services[0].refused),
    ]

    assert not [text for text in said if CANARY in text]


def test_that_a_credential_was_changed_is_told_and_where_secrets_lie_is_none() -> None:
    old = release(1, ecs_run={"secrets": {"DB_PASSWORD": "OLD"}}, secret_paths={"DB_PASSWORD": "/a/OLD"})
    new = release(None, ecs_run={"secrets": {"DB_PASSWORD": "NEW"}}, secret_paths={"DB_PASSWORD": "/a/NEW"})
    said = screen(plan_text(plan_of(planned(new, world(old))), NOW), 160)

    assert "ecs_run.secrets.DB_PASSWORD OLD → NEW" in said
    assert "secret_paths.DB_PASSWORD /a/OLD → /a/NEW" in said
    draft, observed = SECRETS["an old release's variables"]
    assert f"ecs_run.env.DB_PASSWORD {HIDDEN} → none" in screen(plan_text(plan_of(planned(draft, observed)), NOW), 160)
