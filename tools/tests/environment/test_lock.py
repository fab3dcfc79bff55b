"""One at a time changes an environment: a second one waits or leaves, a dead one's lock expires, a late one stops."""

from __future__ import annotations

import os
import re
import socket
import time
import uuid
from collections.abc import Callable
from threading import Thread

import pytest

from tools.clients.prefect_variables import PrefectVariables
from tools.environment.lock import TIME_TO_LIVE, EnvironmentLock, Variables, holder
from tools.errors import RemoteError
from tools.tests.fakes import FakeVariables

SHORT = 1.2
"""A time to live that tests can wait for, on the fake."""


@pytest.fixture(params=["fake", "real"])
def variables(request: pytest.FixtureRequest) -> Variables:
    """Each kind of variables."""
    return FakeVariables() if request.param == "fake" else PrefectVariables(request.getfixturevalue("prefect_api_url"))


@pytest.fixture
def environment() -> str:
    """An environment that no other test uses."""
    return f"Test{uuid.uuid4().hex[:12]}"


class Said(list[str]):
    """What was told, one message after another."""

    def __call__(self, message: str) -> None:
        self.append(message)


def lock(
    variables: Variables,
    environment: str,
    what: str = "deploy",
    *,
    wait: bool = False,
    tell: Callable[[str], None] = print,
    time_to_live: float = TIME_TO_LIVE,
) -> EnvironmentLock:
    """A lock that is not held yet."""
    return EnvironmentLock(variables, environment, what, wait=wait, tell=tell, time_to_live=time_to_live)


# Variables, alike on the fake and on the real thing -----------------------------------------------------------------


@pytest.fixture
def name() -> str:
    """A variable's name that no other test uses."""
    return f"data_flows_lock_{uuid.uuid4().hex[:12]}"


def test_a_variable_that_was_never_made_is_none(variables: Variables, name: str) -> None:
    assert variables.read(name) is None


def test_a_name_is_taken_once_and_reads_back(variables: Variables, name: str) -> None:
    assert variables.create(name, {"a": [1, "ü", None]})
    assert not variables.create(name, "other")
    found = variables.read(name)
    assert found is not None
    assert found.value == {"a": [1, "ü", None]}
    assert variables.exists(found.id)
    assert found.date is not None
    for at in (found.created, found.updated, found.date):
        assert abs(at.timestamp() - time.time()) < 5
    assert found.created <= found.updated


def test_deleting_by_id_spares_the_next_one_of_that_name(variables: Variables, name: str) -> None:
    variables.create(name, 1)
    first = variables.read(name)
    assert first is not None
    variables.delete(first.id)
    variables.create(name, 2)
    variables.delete(first.id)  # as one does who looked a while ago
    second = variables.read(name)
    assert second is not None
    assert second.value == 2
    assert (variables.exists(first.id), variables.exists(second.id)) == (False, True)


def test_a_touched_variable_is_as_good_as_new_and_one_that_is_gone_is_not(variables: Variables, name: str) -> None:
    variables.create(name, 1)
    old = variables.read(name)
    assert old is not None
    assert variables.touch(old.id)
    new = variables.read(name)
    assert new is not None
    assert (new.id, new.value, new.created) == (old.id, old.value, old.created)
    assert new.updated > old.updated
    variables.delete(old.id)
    assert not variables.touch(old.id)


# The lock -----------------------------------------------------------------------------------------------------------


def test_it_is_held_inside_and_free_afterwards(variables: Variables, environment: str) -> None:
    with lock(variables, environment, "rollback") as held:
        held.check()
        held.fence()
        found = holder(variables, environment)
        assert found is not None
        assert (found.what, found.seems_dead) == ("rollback", False)
        assert f"@{socket.gethostname()}, process {os.getpid()}" in found.who
        assert TIME_TO_LIVE - 5 < found.left <= TIME_TO_LIVE
    assert holder(variables, environment) is None


def test_it_is_free_after_an_error_and_after_ctrl_c(variables: Variables, environment: str) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), lock(variables, environment):
            raise error
        assert holder(variables, environment) is None


def test_a_second_one_leaves_with_who_holds_it_since_when(variables: Variables, environment: str) -> None:
    with lock(variables, environment, "prune"), pytest.raises(RemoteError) as caught:
        lock(variables, environment).__enter__()
    assert caught.value.exit_code == 1
    said = caught.value.message
    assert f"{environment} is locked by " in said
    assert f"process {os.getpid()} (prune) since 2" in said
    assert re.search(r"UTC, for \d s; it expires in \d\d s if its holder died", said)
    assert "--wait" in caught.value.hint
    assert f"unlock --environment {environment}" in caught.value.hint


def test_environments_do_not_lock_each_other(variables: Variables, environment: str) -> None:
    with lock(variables, environment), lock(variables, f"{environment}2") as other:
        other.check()


def test_one_who_waits_says_for_whom_and_is_next(variables: Variables, environment: str) -> None:
    said, order = Said(), list[str]()

    def second() -> None:
        with lock(variables, environment, wait=True, tell=said):
            order.append("second")

    waiting = Thread(target=second)
    with lock(variables, environment, "rollback"):
        waiting.start()
        until = time.monotonic() + 10
        while not said and time.monotonic() < until:
            time.sleep(0.05)
        order.append("first")
    waiting.join(20)
    assert order == ["first", "second"]
    assert len(said) == 1
    assert said[0].startswith(f"waiting: {environment} is locked by ")
    assert "(rollback) since" in said[0]


def test_a_lock_is_renewed_as_long_as_it_is_held(environment: str) -> None:
    variables = FakeVariables()
    with lock(variables, environment, time_to_live=SHORT) as held:
        for _ in range(8):
            time.sleep(SHORT / 4)
            held.check()
            found = holder(variables, environment)
            assert found is not None
            assert not found.seems_dead


class Deadly(FakeVariables):
    """Renews no lock once its holder counts as dead; the heir's is renewed."""

    dead: EnvironmentLock | None = None

    def touch(self, variable_id: str) -> bool:
        if self.dead and variable_id == self.dead._id:
            raise RemoteError("no answer")
        return super().touch(variable_id)


def abandoned(variables: Deadly, environment: str) -> EnvironmentLock:
    """The lock of one who does not renew it any more."""
    variables.dead = lock(variables, environment, time_to_live=SHORT / 3)
    variables.dead.__enter__()
    return variables.dead


def test_a_dead_ones_lock_is_taken_over_and_that_is_told(environment: str) -> None:
    variables, said = Deadly(), Said()
    dead = abandoned(variables, environment)
    time.sleep(SHORT / 2)  # one who does not wait leaves before
    start = time.monotonic()
    with lock(variables, environment, "prune", tell=said) as heir:
        assert SHORT / 3 < time.monotonic() - start < SHORT + 1.5
        heir.check()
        assert "seems to be a dead one's: looking for 0 s whether it is renewed" in said[0]
        assert "taking over the lock" in said[1]
        with pytest.raises(RemoteError, match=r"was taken by .* \(prune\) since .*: nothing more is written"):
            dead.check()
        dead.__exit__(None, None, None)
        heir.check()  # the late one removes only its own
    assert holder(variables, environment) is None


def test_a_removed_lock_is_noticed_before_the_next_write(variables: Variables, environment: str) -> None:
    with lock(variables, environment) as held:
        found = holder(variables, environment)
        assert found is not None
        variables.delete(found.id)
        with pytest.raises(RemoteError, match="was removed, or expired and is free again: nothing more is written"):
            held.check()


class Silent(FakeVariables):
    """An API that answers no renewal."""

    def touch(self, variable_id: str) -> bool:
        raise RemoteError("no answer")


def test_without_renewals_the_holder_stops_before_the_lock_expires(environment: str) -> None:
    variables = Silent()
    with lock(variables, environment, time_to_live=SHORT) as held:
        held.check()
        time.sleep(SHORT * 2 / 3 + 0.01)
        found = holder(variables, environment)
        assert found is not None
        assert not found.seems_dead
        for refuses in (held.check, held.fence):
            with pytest.raises(RemoteError, match="expired: this process stood still or did not reach Prefect"):
                refuses()


def test_an_expired_lock_is_not_renewed_any_more(environment: str) -> None:
    class Slow(FakeVariables):
        silent = True

        def touch(self, variable_id: str) -> bool:
            if self.silent:
                raise RemoteError("no answer")
            return super().touch(variable_id)

    variables = Slow()
    with lock(variables, environment, time_to_live=SHORT) as held:
        time.sleep(SHORT)
        variables.silent = False
        time.sleep(SHORT / 2)
        with pytest.raises(RemoteError, match="expired"):
            held.check()


class Repeating(FakeVariables):
    """The first reply to a creation is lost, and the request sent again."""

    def create(self, name: str, value: object) -> bool:
        super().create(name, value)
        return super().create(name, value)


class Mute(FakeVariables):
    """Every reply to a creation is lost."""

    def create(self, name: str, value: object) -> bool:
        super().create(name, value)
        raise RemoteError("no answer")


class Deaf(FakeVariables):
    """Takes no creation."""

    def create(self, name: str, value: object) -> bool:
        raise RemoteError("no answer")


@pytest.mark.parametrize("variables", [Repeating(), Mute()], ids=["one reply", "every reply"])
def test_a_lost_reply_to_its_own_creation_is_resolved_by_reading(variables: FakeVariables, environment: str) -> None:
    with lock(variables, environment) as held:
        held.check()
    assert holder(variables, environment) is None


def test_where_no_lock_can_be_made_that_is_the_error(environment: str) -> None:
    with pytest.raises(RemoteError, match="no answer"):
        lock(Deaf(), environment).__enter__()


def test_stopped_while_it_is_taken_it_leaves_nothing(environment: str) -> None:
    class Interrupted(FakeVariables):
        def create(self, name: str, value: object) -> bool:
            super().create(name, value)
            raise KeyboardInterrupt

    variables = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        lock(variables, environment).__enter__()
    assert holder(variables, environment) is None


def test_a_lock_that_cannot_be_removed_is_told_and_is_no_failure(environment: str) -> None:
    class Lasting(FakeVariables):
        def delete(self, variable_id: str) -> None:
            raise RemoteError("no answer")

    said = Said()
    with lock(Lasting(), environment, tell=said):
        pass
    assert said == ["the lock could not be removed; it expires in 60 s: no answer"]


def test_a_variable_that_somebody_made_by_hand_is_a_lock_too(variables: Variables, environment: str) -> None:
    variables.create(f"data_flows_lock_{environment.lower()}", "hands off")
    with pytest.raises(RemoteError, match=r"locked by somebody \(not these tools\) since"):
        lock(variables, environment).__enter__()


@pytest.mark.parametrize("said", [1e300, float("inf"), float("nan"), -5, 0, True, "60", None, [60]], ids=str)
def test_a_time_to_live_that_nobody_means_is_the_usual_one(said: object, environment: str) -> None:
    variables = FakeVariables()
    variables.create(f"data_flows_lock_{environment.lower()}", {"nonce": "x", "time_to_live": said})
    found = holder(variables, environment)
    assert found is not None
    assert found.time_to_live == TIME_TO_LIVE


# Clocks that are wrong ------------------------------------------------------------------------------------------------

MINUTES, YEARS = 120.0, 3e8
WRONG = [MINUTES, -YEARS, None]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("wait", [False, True], ids=["leaves", "waits"])
def test_no_clock_of_an_answer_takes_a_lock_from_one_who_lives(
    wrong: float | None, wait: bool, environment: str
) -> None:
    variables, said, came = FakeVariables(), Said(), list[str]()
    variables.answers_ahead = wrong

    def rival() -> None:
        try:
            with lock(variables, environment, "prune", wait=wait, tell=said):
                came.append("held")
        except RemoteError as error:
            came.append(error.message)

    with lock(variables, environment, time_to_live=SHORT) as held:
        second = Thread(target=rival)
        second.start()
        for _ in range(6):
            time.sleep(SHORT / 4)
            held.check()
        assert "held" not in came
        found = holder(variables, environment)
        assert found is not None
        assert found.what == "deploy"
    second.join(10)
    assert [message for message in said if "taking over" in message] == []
    assert came == ["held"] if wait else "is locked by" in came[0]


@pytest.mark.parametrize("wrong", [MINUTES, -YEARS], ids=str)
def test_a_clock_that_went_wrong_while_it_was_held_takes_it_from_nobody(wrong: float, environment: str) -> None:
    variables = FakeVariables()
    with lock(variables, environment, time_to_live=SHORT) as held:
        variables.ahead = wrong  # what it writes down and answers from now on
        with pytest.raises(RemoteError, match="is locked by"):
            lock(variables, environment, tell=Said()).__enter__()
        held.check()


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_no_clock_of_an_answer_keeps_a_dead_ones_lock(wrong: float | None, environment: str) -> None:
    variables = Deadly()
    variables.answers_ahead = wrong
    abandoned(variables, environment)
    time.sleep(SHORT / 2)
    start = time.monotonic()
    with lock(variables, environment, tell=Said()):
        assert time.monotonic() - start < SHORT + 1.5


@pytest.mark.parametrize("wrong", [MINUTES, YEARS], ids=str)
def test_a_lock_written_down_by_a_wrong_clock_is_freed_when_its_holder_dies(wrong: float, environment: str) -> None:
    variables = Deadly()
    variables.ahead = wrong
    abandoned(variables, environment)
    variables.ahead = 0.0
    start = time.monotonic()
    with lock(variables, environment, tell=Said()):
        assert time.monotonic() - start < SHORT + 1.5
