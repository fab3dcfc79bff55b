"""Looks at an environment's Prefect API: the way in, the work pool, its template and workers, the block for results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tools.clients import prefect_health
from tools.clients.prefect_api import PrefectApi
from tools.desired.locks import pins
from tools.doctor import prefect as judge
from tools.doctor.commands import make_it
from tools.doctor.machine import Clocks
from tools.environment.doctor.account import Place, Visit
from tools.environment.doctor.job_template import job_template
from tools.environment.doctor.looks import Look, NeededError
from tools.model import names
from tools.model.findings import Check, Finding
from tools.model.health import Api, StandingPool, Worker
from tools.model.observed import Running
from tools.model.stacks import Template
from tools.repository import BASE_DIRECTORY

GROUP = "Prefect"
_CLOUD = "api.prefect.cloud"


@dataclass(frozen=True)
class Prefect:
    """A Prefect API, as far as it answers."""

    client: Look[PrefectApi]
    api: Look[tuple[Api, datetime]]
    """With the moment of its answer by this machine's clock."""
    clocks: Look[Clocks | None]

    def let_in(self) -> PrefectApi:
        """The client, where the API lets us in."""
        found, _ = self.api.value()
        if not found.lets_in:
            raise NeededError(f"{GROUP}: API")
        return self.client.value()

    def now(self) -> datetime:
        """The time by the API's clock, where it tells."""
        found, _ = self.api.value()
        return found.date or datetime.now(UTC)


@dataclass(frozen=True)
class Pool:
    """The environment's work pool and its workers."""

    found: Look[StandingPool | None]
    workers: Look[list[Worker]]


def look_at_api(visit: Visit) -> Prefect:
    """Whether the API answers and lets us in, and which version it is."""
    client = visit.looks.look(GROUP, "client", lambda: visit.clients().prefect)

    def tell(check: Check, found: tuple[Api, datetime]) -> Iterator[Finding]:
        credential = visit.settings().prefect_credential
        shown = credential.name if credential else None
        yield from judge.api(check, client.value().url, found[0], shown, visit.place.name)

    api = visit.looks.look(GROUP, "API", lambda: _reach(client.value()), tell)
    made = Prefect(client, api, visit.looks.look(GROUP, "time", lambda: _clocks(*api.value())))
    visit.looks.look(GROUP, "version", lambda: _versions(visit.place, made.let_in()), _tell_version)
    return made


def _reach(client: PrefectApi) -> tuple[Api, datetime]:
    before = datetime.now(UTC)
    return prefect_health.reach(client), before + (datetime.now(UTC) - before) / 2


def _clocks(found: Api, here: datetime) -> Clocks | None:
    return Clocks("the Prefect API", here, found.date) if found.date else None


def _versions(place: Place, client: PrefectApi) -> tuple[str, str] | None:
    """The server's version and that of the flows' base image; None where the API is Prefect Cloud's."""
    if urlsplit(client.url).hostname == _CLOUD:
        return None
    ours = pins(place.root / BASE_DIRECTORY / "requirements.lock").get("prefect", "")
    return prefect_health.version(client), ours


def _tell_version(check: Check, found: tuple[str, str] | None) -> Iterator[Finding]:
    if found is None:
        yield check.passed("Prefect Cloud's goes with all of them")
    else:
        yield from judge.version(check, *found)


def look_at_pool(visit: Visit, prefect: Prefect) -> Pool:
    """Whether the pool is there with our template, a worker that is alive, and a block for results."""
    looks, mend = visit.looks, make_it(visit.place.name)
    found = looks.look(
        GROUP,
        "work pool",
        lambda: prefect_health.work_pool(prefect.let_in(), visit.settings().work_pool),
        lambda check, pool: judge.pool(check, visit.settings().work_pool, pool, mend),
    )

    def templates() -> tuple[Template, Template]:
        return there(found).template, job_template(visit)

    looks.look(GROUP, "job template", templates, lambda check, both: judge.template(check, *both, mend))
    workers = looks.look(
        GROUP,
        "worker",
        lambda: prefect_health.workers(prefect.let_in(), there(found).name),
        lambda check, known: judge.worker(check, known, prefect.now(), _start_worker(visit)),
    )
    if not visit.place.is_local:
        looks.look(GROUP, "worker's ECS service", lambda: _running(visit), _tell_running)
    looks.look(
        GROUP,
        "results block",
        lambda: prefect_health.bucket_of(prefect.let_in(), visit.settings().results_block),
        lambda check, bucket: judge.results(check, visit.settings().results_block, bucket, _own_bucket(visit), mend),
    )
    return Pool(found, workers)


def there(pool: Look[StandingPool | None]) -> StandingPool:
    """The pool, where there is one.

    Raises:
        NeededError: there is none.
    """
    found = pool.value()
    if found is None:
        raise NeededError(f"{GROUP}: work pool")
    return found


def _start_worker(visit: Visit) -> str:
    if visit.place.is_local:
        return make_it(visit.place.name)
    inputs = visit.inputs()
    if inputs and inputs.worker_image:
        return "see the line of its ECS service"
    return f"prefect worker start --type ecs --pool {visit.settings().work_pool!r}, or give bootstrap a --worker-image"


def _running(visit: Visit) -> tuple[Running | None, str] | None:
    """How the worker stands that a stack makes, and in which environment; None where no stack makes one."""
    inputs = visit.inputs()
    if inputs is None or inputs.worker_image is None:
        return None
    running = visit.in_aws().ecs.running(names.cluster(visit.place.name), "worker")
    return running, visit.place.name


def _tell_running(check: Check, found: tuple[Running | None, str] | None) -> Iterator[Finding]:
    if found:
        yield from judge.service(check, *found)


def _own_bucket(visit: Visit) -> str | None:
    """The bucket that is the environment's own; None where it was made by hand."""
    inputs = visit.inputs()
    return inputs.place.bucket if inputs else None
