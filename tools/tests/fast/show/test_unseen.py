"""What was not looked at is told in one line: by plans, in pull requests, and to machines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tools.model.observed import Unseen
from tools.plan.actions import Plan
from tools.show.plan import plan_json, plan_markdown, plan_text
from tools.show.results import results_json
from tools.show.unseen import unseen_text
from tools.tests.screens import screen

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
UNSEEN = Unseen(992, NOW - timedelta(hours=3))
LINE = (
    "not looked at now: 992 flows that are in step by what was read before; the oldest look at one was 3 h ago; "
    "`make doctor` looks at all images"
)


@pytest.mark.parametrize(
    ("unseen", "begins"), [(UNSEEN, LINE), (Unseen(1, NOW), "not looked at now: 1 flow that is in step")]
)
def test_it_is_one_line(unseen: Unseen, begins: str) -> None:
    assert unseen_text(unseen, NOW).startswith(begins)


def test_plans_and_results_tell_it() -> None:
    plan = Plan("Dev", (), unseen=UNSEEN)
    machines = {"flows": 992, "oldest": "2026-11-25T09:00:00+00:00"}
    assert screen(plan_text(plan, NOW), 200).splitlines()[0] == LINE
    assert f"- {LINE}".replace("`", "\\`") in plan_markdown(plan, NOW).splitlines()
    assert plan_json(plan, NOW)["unseen"] == results_json(plan, [])["unseen"] == machines


def test_where_all_was_looked_at_nothing_is_told() -> None:
    plan = Plan("Dev", ())
    assert screen(plan_text(plan, NOW), 200).splitlines() == ["", "Dev: no flows"]
    assert "looked" not in plan_markdown(plan, NOW)
    assert plan_json(plan, NOW)["unseen"] is results_json(plan, [])["unseen"] is None
