"""Two deploys never interleave, and a dead one's lock has one heir: real processes, a real Prefect server."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from multiprocessing.context import ForkServerContext, ForkServerProcess
from random import Random
from threading import Lock
from typing import Any

import pytest

from tools.clients.prefect_variables import PrefectVariables
from tools.environment.lock import holder
from tools.model.release import Release
from tools.settings import Connection
from tools.tests.proxy import Proxy
from tools.tests.rivals import SCHEMA, Came, Side, deploy, deploy_late, hold, steal
from tools.tests.servers import make_pool, released_image

LANES, ROUNDS = 3, 7  # more at once, and SQLite is what is tested
TIME_TO_LIVE = 2.0
LONG = 120


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Starts processes that have imported everything already, none of them by forking this one with its threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tools.tests.rivals"])
    return context


# A stale lock ---------------------------------------------------------------------------------------------------------


def test_of_ten_who_want_a_killed_ones_lock_one_gets_it_at_a_time(
    processes: ForkServerContext, prefect_api_url: str
) -> None:
    environment, answers = f"Dead{uuid.uuid4().hex[:8]}", processes.Queue()
    victim = processes.Process(target=hold, args=(prefect_api_url, environment, TIME_TO_LIVE, answers))
    victim.start()
    answers.get(timeout=LONG)
    arguments = (prefect_api_url, environment, TIME_TO_LIVE, answers)
    stealers = [processes.Process(target=steal, args=arguments) for _ in range(10)]
    for stealer in stealers:
        stealer.start()
    time.sleep(1)
    victim.kill()
    killed = time.monotonic()
    held = sorted(answers.get(timeout=LONG) for _ in stealers)
    for process in (victim, *stealers):
        process.join(LONG)
    assert [stealer.exitcode for stealer in stealers] == [0] * 10
    assert all(end <= start for (_, end), (start, _) in pairwise(held))
    assert killed < held[0][0] < killed + TIME_TO_LIVE + 2  # each looks about every second
    assert holder(PrefectVariables(prefect_api_url), environment) is None


# Pairs of deploys -----------------------------------------------------------------------------------------------------


class Arrivals(list[str]):
    """The requests of one side, written into the order in which both sides' arrived."""

    def __init__(self, letter: str, order: list[str]) -> None:
        super().__init__()
        self._letter, self._order = letter, order

    def append(self, request: str) -> None:
        """Notes the writes that change what runs."""
        super().append(request)
        method, path = request.split(" ")[:2]
        if method in ("POST", "PATCH", "DELETE") and not path.endswith("/filter") and "/variables" not in path:
            self._order.append(self._letter)


class Pair:
    """Two processes that deploy to one environment, and the order in which their writes arrived.

    Only the lock of the one that is to be stopped expires soon: a slow machine is no reason for the other's to.
    """

    def __init__(self, before: Side, number: int, rng: Random, context: ForkServerContext) -> None:
        self.order: list[str] = []
        self.victim, self.survivor = rng.sample("AB", 2)
        self.sides = {letter: replace(before, mark=f"{letter}{number}", skew=rng.uniform(0, 0.4)) for letter in "AB"}
        self.sides[self.victim] = replace(self.sides[self.victim], time_to_live=TIME_TO_LIVE)
        self._rng, self._context = rng, context
        self._answers: dict[str, Any] = {letter: context.Queue() for letter in self.sides}

    def run(self) -> dict[str, Came]:
        """Lets both deploy, one of them with a stop in the midst; gives what came of each."""
        with ExitStack() as proxies:
            running = {letter: self._process(letter, proxies) for letter in self.sides}
            for process in running.values():
                process.start()
            self._stop(running[self.victim], running[self.survivor])
            came = {letter: answers.get(timeout=LONG) for letter, answers in self._answers.items()}
            for process in running.values():
                process.join(LONG)
        return came

    def _process(self, letter: str, proxies: ExitStack) -> ForkServerProcess:
        side = self.sides[letter]
        recorder = Proxy(side.prefect_url.removesuffix("/api"))
        recorder.requests = Arrivals(letter, self.order)
        url = f"http://127.0.0.1:{proxies.enter_context(recorder.serving())}/api"
        return self._context.Process(target=deploy_late, args=(replace(side, prefect_url=url), self._answers[letter]))

    def _stop(self, process: ForkServerProcess, other: ForkServerProcess) -> None:
        """Stops one after some of its writes, for longer than its lock lives and until the other is done."""
        writes = self._rng.randrange(1, 5)
        until(lambda: self.order.count(self.victim) >= writes or not process.is_alive())
        time.sleep(self._rng.uniform(0, 0.03))
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(TIME_TO_LIVE)
            other.join(LONG)
            os.kill(process.pid, signal.SIGCONT)


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def first_deploy(side: Side) -> None:
    """A release of its service that has an image and a schema already, and its deployments."""
    environment = side.connected
    draft = side.desired(environment.settings).draft
    image = released_image(environment.ecr, side.aws, draft)
    environment.ecs.make_release(draft.model_copy(update={"image": image, "parameter_schema": SCHEMA}))
    assert deploy(side).errors == []


def test_of_two_deploys_one_goes_after_the_other_even_where_one_is_stopped_and_goes_on_late(
    processes: ForkServerContext, prefect_api_url: str, moto: Connection
) -> None:
    make_pool(prefect_api_url)

    def lane(number: int) -> list[tuple[bool, str]]:
        """Pairs in one environment: whether one was stopped at work, and whose writes arrived in which order."""
        rng, unique = Random(number), f"{number}{uuid.uuid4().hex[:6]}"
        before = Side("A0", prefect_api_url, moto, f"Pair{unique}", f"rival-{unique}", LONG)
        with setting_up:
            first_deploy(before)
        return [one(Pair(before, round_, rng, processes)) for round_ in range(1, ROUNDS + 1)]

    def one(pair: Pair) -> tuple[bool, str]:
        came = pair.run()
        order = "".join(pair.order)
        about = f"{pair.sides[pair.victim].mark} stopped, writes {order}, {came}"
        assert sum(a != b for a, b in pairwise(order)) <= 1, about
        refusals = ("nothing more is written", "the lock of", "somebody else wrote at the same time")
        assert all(any(word in said for word in refusals) for said in came[pair.victim].errors), about
        assert came[pair.survivor].errors == [], about
        last = replace(pair.sides[order[-1]], time_to_live=LONG)
        if came[order[-1]].errors:  # nobody came after it: run again, it goes on where it was
            assert deploy(last).errors == [], about
        assert state(last) == {last.mark}, about
        assert last.plan(last.connected).changes == 0, about
        return bool(came[pair.victim].errors), order

    setting_up = Lock()
    with ThreadPoolExecutor(LANES) as pool:
        found = [item for items in pool.map(lane, range(LANES)) for item in items]
    assert len(found) >= 20
    stopped = [order for at_work, order in found if at_work]
    assert len(stopped) >= 5, found
    assert any(len(set(order)) == 2 for order in stopped), found


def state(side: Side) -> set[str]:
    """The marks of an environment's deployments and of the releases that they point at."""
    environment = side.connected
    found: set[str] = set()
    for item in environment.prefect.deployments([side.service]):
        release = environment.ecs.release(item.job_variables["task_definition_arn"])
        assert isinstance(release, Release)
        found |= {item.description, item.parameters["side"], release.ecs_run.env["SIDE"]}
    return found
