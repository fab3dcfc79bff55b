"""Looks that are taken at once: none hides another, what needs another says so, nothing waits for itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Barrier
from typing import NoReturn

import pytest

from tools.environment.doctor.looks import Looks, NeededError, known
from tools.errors import NotAllowedError, RemoteError, UserError
from tools.model.findings import Check, Finding


def said(check: Check, found: object) -> list[Finding]:
    """Whatever was found is right."""
    return [check.passed(str(found))]


def failing(error: Exception) -> Callable[[], NoReturn]:
    """A look that ends with an error."""

    def look() -> NoReturn:
        raise error

    return look


def test_a_look_that_fails_is_told_with_what_helps_and_hides_no_other() -> None:
    with Looks() as looks:
        looks.look("a", "one", failing(UserError("x is wrong\ny is wrong", "mend them")), said)
        looks.look("a", "two", lambda: 2, said)
        found = list(looks.findings())

    assert found == [
        Finding("a", "one", "fail", "x is wrong", "mend them"),
        Finding("a", "one", "fail", "y is wrong", "mend them"),
        Finding("a", "two", "pass", "2"),
    ]


def test_what_needs_a_look_that_failed_names_that_one_through_all_between() -> None:
    with Looks() as looks:
        first = looks.look("a", "first", failing(RemoteError("it does not answer")), said)
        second = looks.look("a", "second", first.value)
        looks.look("b", "third", second.value, said)
        found = list(looks.findings())

    assert [item.verdict for item in found] == ["fail", "unknown"]
    assert found[1] == Finding("b", "third", "unknown", "not looked at, for want of a: first")
    assert known(first) is None


def test_what_may_not_be_read_is_no_failure_and_names_the_permission() -> None:
    with Looks() as looks:
        looks.look("a", "roles", failing(NotAllowedError("no", action="iam:GetRole")), said)
        looks.look("a", "key", failing(NotAllowedError("no")), said)
        found = list(looks.findings())

    assert [item.verdict for item in found] == ["unknown", "unknown"]
    assert found[0].found == "these credentials may not look at it: needs iam:GetRole"
    assert found[1].found == "these credentials may not look at it"


def test_what_is_wanting_where_it_is_told_is_told_as_not_looked_at() -> None:
    def tell(_: Check, __: object) -> NoReturn:
        raise NeededError("a pool")

    with Looks() as looks:
        looks.look("a", "late runs", lambda: 1, tell)

        assert [item.found for item in looks.findings()] == ["not looked at, for want of a pool"]


def test_a_look_of_which_nothing_is_told_tells_its_own_failure_alone() -> None:
    with Looks() as looks:
        first = looks.look("a", "first", failing(UserError("wrong")))
        looks.look("a", "second", first.value)

        assert [item.found for item in looks.findings()] == ["wrong"]


def test_a_bug_in_a_look_comes_out() -> None:
    with Looks() as looks:
        looks.look("a", "one", failing(ZeroDivisionError()), said)
        with pytest.raises(ZeroDivisionError):
            list(looks.findings())


def test_looks_are_taken_at_once_also_where_most_wait_for_others() -> None:
    together = Barrier(8, timeout=10)
    start = time.monotonic()
    with Looks() as looks:
        first = looks.look("a", "first", lambda: time.sleep(0.2))
        for number in range(60):
            looks.look("a", f"waits {number}", first.value, said)
        for number in range(8):
            looks.look("b", f"together {number}", together.wait, said)
        found = list(looks.findings())

    assert len(found) == 68
    assert {item.verdict for item in found} == {"pass"}
    assert time.monotonic() - start < 5


def test_findings_stand_by_group_in_the_order_in_which_they_were_begun() -> None:
    with Looks() as looks:
        for group, what in (("machine", "git"), ("AWS", "region"), ("machine", "clock"), ("AWS", "account")):
            looks.look(group, what, lambda: 1, said)

        assert [item.what for item in looks.findings()] == ["git", "clock", "region", "account"]
