"""Part `deploy`: a deploy of many flows beside `prefect deploy --all`, `docker buildx bake` and the same done by hand.

Takes the repository; makes a local cloud of its own (another Compose project, other ports, a clone that can be changed)
with a real Prefect server, a registry and ECS, lets all deploy once, then measures them in turn. With `MANY` flows only
ours: what is there then was registered by `seed`, on one image for all. Removes the cloud and the images; the engine's
build cache stays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.bench.contenders import PREFIX, Contenders, remove_images
from tools.bench.counter import asked
from tools.bench.flows import names
from tools.bench.measure import Measured, Way, in_turn, summary
from tools.bench.own_cloud import own_cloud
from tools.bench.seed import OneImage, seed
from tools.bench.table import megabytes, percent, seconds, table, times
from tools.clients.engine import Engine
from tools.environment.connect import connect
from tools.environment.deploy import make_plan
from tools.plan.actions import ALL
from tools.settings import LOCAL

COUNTS = (10, 100)
MANY = 1000
ROUNDS = 3
OURS, PREFECT, BAKE = "deploy", "prefect deploy --all", "docker buildx bake"
BY_HAND, IMPORTED = "build, push, patch by hand", "the same, and import in its image"
HEAD = ("way", "seconds", "best", "noise", "CPU s", "peak MB", "beside ours")
#: The goals: how often a deploy with nothing to do is as fast as Prefect's, with the last of COUNTS; seconds and bytes
#: of one with MANY flows, and its requests; how long one with one flow changed takes beside the same by hand.
FASTER, MANY_SECONDS, MANY_BYTES, MANY_REQUESTS, BESIDE_BY_HAND = 50.0, 5.0, 300e6, 30, 1.3

Runs = Mapping[str, Sequence[Measured]]
Requests = tuple[int, int]
"""On a machine that deployed before, and on one that did not."""
Say = Callable[[str], None]


def run(root: Path, say: Say) -> None:
    """Runs the part and tells its tables.

    Args:
        root: the repository.
        say: told what is being done, the tables and whether the goals are met.

    Raises:
        UserError: no Docker engine answers.
        RemoteError: a contender failed.
    """
    Engine().check()
    with tempfile.TemporaryDirectory(prefix="data-flows-bench-") as home, own_cloud(Path(home), ()) as cloud:
        say("starting a local cloud of the bench's own")
        cloud.done("up")
        contenders = Contenders(root, cloud)
        try:
            requests: dict[int, Requests] = {}
            for count in COUNTS:
                idle, changed = _compare(contenders, count, say)
                requests[count] = _requests(contenders)
            many = _many(contenders, say)
            requests[MANY] = _requests(contenders)
        finally:
            remove_images(contenders.registry)
    say(shown_requests(requests))
    say("\n".join(goals(idle, changed, many, requests[MANY])))


def _requests(contenders: Contenders) -> Requests:
    """How many ours sends with nothing to do: where it deployed before, and on another machine."""
    return asked(contenders.cloud, fresh=False), asked(contenders.cloud, fresh=True)


def _compare(contenders: Contenders, count: int, say: Say) -> tuple[Runs, Runs]:
    """All contenders with one number of flows: with nothing to do, and with one flow changed."""
    contenders.grow(count)
    ways: dict[str, Way] = {OURS: contenders.ours, PREFECT: contenders.prefect, BAKE: contenders.bake(count)}
    say(shown(f"{count} flows, first deploy of those that are new (once)", in_turn(ways, 1)))
    idle = in_turn(ways, ROUNDS)
    say(shown(f"{count} flows, nothing to do", idle))
    changed = in_turn(
        {
            OURS: contenders.ours_with_one_changed,
            BY_HAND: contenders.by_hand_with_one_changed,
            IMPORTED: contenders.by_hand_and_imported,
        },
        ROUNDS,
    )
    say(shown(f"{count} flows, one of them changed", changed))
    return idle, changed


def _many(contenders: Contenders, say: Say) -> Runs:
    """Ours with very many flows and nothing to do."""
    contenders.grow(MANY)
    say(f"registering {MANY} flows on one image")
    root, variables = contenders.cloud.root, contenders.cloud.environment
    environment = connect(LOCAL, variables, root / ".env")
    (example,) = make_plan(root, names(PREFIX, 1), environment, ALL, "stop").services
    seed(root, names(PREFIX, MANY), environment, OneImage(environment.settings.aws, example.release))
    many = in_turn({OURS: contenders.ours}, ROUNDS)
    say(shown(f"{MANY} flows, nothing to do", many))
    return many


def shown(what: str, found: Runs) -> str:
    """The figures of one comparison as a table with a title; seconds, CPU and what it says beside ours are medians."""
    ours = summary(found[OURS])
    lines = []
    for name, runs in found.items():
        item = summary(runs)
        figures = (seconds(item.median), seconds(item.best), percent(item.noise), seconds(item.cpu))
        lines.append((name, *figures, megabytes(item.peak), times(item.median / ours.median)))
    return f"\n{what}:\n\n{table(HEAD, lines)}"


def shown_requests(found: Mapping[int, Requests]) -> str:
    """The requests of deploys with nothing to do, by the number of flows."""
    head = ("flows, nothing to do", "requests where it deployed before", "elsewhere")
    rows = [(f"{count:,}", f"{before:,}", f"{fresh:,}") for count, (before, fresh) in found.items()]
    return f"\n{table(head, rows)}"


def goals(idle: Runs, changed: Runs, many: Runs, requests: Requests) -> list[str]:
    """What was to be reached, what was, and whether that is enough."""
    faster = summary(idle[PREFECT]).median / summary(idle[OURS]).median
    beside = summary(changed[OURS]).median / summary(changed[BY_HAND]).median
    most = summary(many[OURS])
    reached = (
        (faster >= FASTER, f"nothing to do: {times(faster)} as fast as {PREFECT} (goal: at least {times(FASTER)})"),
        (beside <= BESIDE_BY_HAND, f"one changed: {times(beside)} of by hand (goal: at most {times(BESIDE_BY_HAND)})"),
        (most.median <= MANY_SECONDS, f"{MANY} flows: {seconds(most.median)} s (goal: {seconds(MANY_SECONDS)} s)"),
        (most.peak < MANY_BYTES, f"{MANY} flows: {megabytes(most.peak)} MB (goal: below {megabytes(MANY_BYTES)} MB)"),
        (requests[0] <= MANY_REQUESTS, f"{MANY} flows: {requests[0]} requests (goal: at most {MANY_REQUESTS})"),
    )
    return [f"{'met   ' if met else 'MISSED'}  {text}" for met, text in reached]
