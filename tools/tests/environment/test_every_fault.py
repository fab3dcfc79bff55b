"""A fault at the requests of a deploy, an update, a rollback or a prune, on real servers (I1, I9, I14, I15).

A proxy stands before Prefect and before AWS, and acts on the k-th request of both. What passes is got over in the same
run; after what does not, running it again arrives at the same end. Nothing is written twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_variables import PrefectVariables
from tools.environment.apply import Clients, apply
from tools.environment.connect import Environment
from tools.environment.prune import remove
from tools.environment.rollback import plan_rollback
from tools.errors import ToolsError
from tools.model.names import family, repository
from tools.model.release import Release
from tools.model.service import Deployment, Schedule, Service
from tools.plan.prune import leftovers
from tools.settings import Connection
from tools.tests.memory import ROOT, service
from tools.tests.proxy import Proxy, Reply, Request, Reset, reads
from tools.tests.real import DAILY, WHO, Engine, Real, an_environment, comparable, remove_deployments
from tools.tests.servers import make_pool

PASSING = ("reset before", "reply lost", "busy", "throttled", "cut off")
LASTING = ("refused",)
MODES = (*PASSING, *LASTING)


@dataclass
class Fault:
    """What happens at the k-th request that both proxies see; nothing where `at` is 0."""

    at: int = 0
    mode: str = ""
    seen: list[str] = field(default_factory=list)
    hit: Request | None = None

    def before(self, request: Request) -> Reply | Reset | None:
        """In the server's place."""
        self.seen.append(str(request))
        if len(self.seen) != self.at:
            return None
        self.hit = request
        aws = bool(request.action)
        match self.mode:
            case "reset before":
                return Reset()
            case "busy":
                return Reply(503)
            case "throttled" if aws:
                return _aws_error("ThrottlingException", "Rate exceeded")
            case "throttled":
                return Reply(429, b"{}", {"content-type": "application/json", "retry-after": "0"})
            case "refused" if aws:
                return _aws_error("AccessDeniedException", "not you")
            case "refused":
                return Reply(403, b'{"detail": "not you"}')
            case _:
                return None

    def after(self, request: Request, reply: Reply) -> Reply | Reset:
        """When the request has taken effect."""
        if request is not self.hit:
            return reply
        if self.mode == "reply lost":
            return Reset()
        if self.mode == "cut off" and isinstance(reply.body, bytes):
            return replace(reply, headers={**reply.headers, "content-length": str(len(reply.body) + 10)})
        return reply


def _aws_error(code: str, message: str) -> Reply:
    body = json.dumps({"__type": code, "message": message}).encode()
    return Reply(400, body, {"content-type": "application/x-amz-json-1.1"})


class Tried(Real):
    """A flow whose every request may go wrong."""

    fault: Fault
    environment: Environment
    past: tuple[Ecs, Ecr, PrefectApi]
    """The same, past the proxies."""

    def state(self) -> Any:
        """Everything that is there, without ids."""
        ecs, ecr, prefect = self.past
        releases = ecs.releases(family(self.settings.environment, self.flow))
        said = {item.arn: item.content() for item in releases if isinstance(item, Release)}
        images = sorted(item.tags for item in ecr.images(repository(self.flow)))
        return comparable(prefect.deployments([self.flow])), said, images


@pytest.fixture(scope="module")
def servers(prefect_api_url: str, moto: Connection) -> Iterator[tuple[Fault, str, str, Connection]]:
    """The fault, the way to Prefect through it and past it, and the way to AWS through it."""
    make_pool(prefect_api_url)
    fault = Fault()
    prefect = Proxy(prefect_api_url.removesuffix("/api"), fault.before, fault.after)
    aws = Proxy(str(moto.endpoint), fault.before, fault.after)
    with prefect.serving() as one, aws.serving() as other:
        through = replace(moto, endpoint=f"http://127.0.0.1:{other}")
        yield fault, f"http://127.0.0.1:{one}/api", prefect_api_url, through


@pytest.fixture
def make(servers: tuple[Fault, str, str, Connection], moto: Connection) -> Iterator[Callable[[], Tried]]:
    """Makes flows of their own, each in an environment of its own."""
    fault, through, direct, aws = servers
    made: list[Tried] = []

    def one() -> Tried:
        settings = an_environment(through, aws)
        ecs, ecr, prefect = Ecs(aws), Ecr(aws, "registry.test"), PrefectApi(through)
        tried = Tried(direct, Clients(Engine(aws), ecr, ecs, prefect), settings)
        tried.fault = fault
        tried.environment = Environment(settings, ecs, ecr, prefect, PrefectVariables(through))
        tried.past = Ecs(moto), Ecr(moto, None), PrefectApi(direct)
        made.append(tried)
        return tried

    yield one
    for tried in made:
        remove_deployments(direct, tried.flow)


def first(real: Tried) -> Service:
    """What the flow is at first."""
    schedules = (DAILY, Schedule(slug="gone", cron="0 1 * * *"))
    return service(real.flow, Deployment(name="main", schedules=schedules), Deployment(name="old"))


def then(real: Tried) -> Service:
    """What becomes of it: each kind of change."""
    schedules = (DAILY.model_copy(update={"cron": "0 2 * * *"}), Schedule(slug="new", cron="0 3 * * *"))
    return service(
        real.flow,
        Deployment(name="main", schedules=schedules),
        Deployment(name="old"),
        Deployment(name="more"),
        memory=1024,
    )


def only_main(real: Tried) -> Service:
    """A deployment less."""
    return service(real.flow, Deployment(name="main", schedules=(DAILY,)))


def deploy(real: Tried) -> None:
    """A first deploy."""
    _raised(real.deploy(first(real), "1" * 16))


def update(real: Tried) -> None:
    """Another image, more memory, other schedules, a deployment more."""
    _raised(real.deploy(then(real), "2" * 16))


def roll_back(real: Tried) -> None:
    """To the first release."""
    planned = plan_rollback(real.flow, "1", real.environment, "stop")
    (result,) = apply(planned, ROOT, real.clients, lambda: WHO, lambda *_: None)
    _raised(result)


def prune(real: Tried) -> None:
    """A deployment, a release and an image."""
    environment = real.environment
    found = leftovers(
        real.settings.environment,
        {real.flow: ["main"]},
        environment.prefect.deployments([real.flow]),
        environment.ecs.revisions(family(real.settings.environment, real.flow)),
        environment.ecr.images(repository(real.flow)),
        datetime.now(UTC) + timedelta(days=2),
    )
    remove(found, environment, lambda *_: None, lambda: None)


def _raised(result: Any) -> None:
    if result.error:
        raise result.error


def _nothing(_: Tried) -> None:
    pass


def _deployed(real: Tried) -> None:
    deploy(real)


def _updated(real: Tried) -> None:
    deploy(real)
    update(real)


def _left_over(real: Tried) -> None:
    deploy(real)
    update(real)
    _raised(real.deploy(only_main(real), "3" * 16))


Step = Callable[[Tried], None]
VERBS: dict[str, tuple[Step, Step]] = {
    # what was before, what is tried
    "deploy": (_nothing, deploy),
    "update": (_deployed, update),
    "rollback": (_updated, roll_back),
    "prune": (_left_over, prune),
}


@dataclass(frozen=True)
class Came:
    """What came of a verb at one of whose requests something went wrong."""

    request: str
    mode: str
    error: str
    """Of the first run; empty where it got over it."""
    asked: int
    """Requests of the first run."""
    again: list[str]
    """Requests of the second."""
    state: str


def undisturbed(verb: str, make: Callable[[], Tried]) -> tuple[int, str]:
    """How many requests a verb sends where nothing goes wrong, and what is there afterwards."""
    before, do = VERBS[verb]
    real = make()
    before(real)
    real.fault.seen.clear()
    do(real)
    return len(real.fault.seen), told(real)


def disturbed(verb: str, at: int, mode: str, make: Callable[[], Tried]) -> Came:
    """What comes of a verb whose k-th request goes wrong, and of running it again."""
    before, do = VERBS[verb]
    real = make()
    before(real)
    fault, error = real.fault, ""
    fault.at, fault.mode, fault.hit = at, mode, None
    fault.seen.clear()
    try:
        do(real)
    except ToolsError as caught:
        error = caught.message
    fault.at, asked = 0, len(fault.seen)
    fault.seen.clear()
    do(real)
    return Came(str(fault.hit), mode, error, asked, list(fault.seen), told(real))


def told(real: Tried) -> str:
    """Its state as text in which its own names are gone."""
    text = json.dumps(real.state(), default=str, sort_keys=True)
    return text.replace(real.flow, "FLOW").replace(real.settings.environment, "ENVIRONMENT")


@pytest.mark.parametrize("verb", VERBS)
def test_a_fault_at_any_request_is_got_over_or_told_and_leads_to_the_same_end(
    verb: str, make: Callable[[], Tried]
) -> None:
    count, wanted = undisturbed(verb, make)
    assert count > 3
    for at in range(1 + len(verb) % 2, count + 1, 2):  # every second one: the clients' own table has them all
        came = disturbed(verb, at, MODES[at // 2 % len(MODES)], make)

        if came.request == "None":  # the server was too busy for one of the others, which was then asked again
            assert at > count - 3
            continue
        assert bool(came.error) == (came.mode in LASTING), came
        assert came.state == wanted, came
        if not came.error and verb != "prune":
            assert all(map(reads, came.again)), came
