"""Looks at what lies around an environment's runs: its network, events, alarms and logs, late runs, GitHub's way in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.clients import cloudwatch, prefect_health, sqs
from tools.clients.ec2 import Ec2
from tools.clients.iam import Iam
from tools.doctor import github, network, runs
from tools.doctor import prefect as judge
from tools.doctor.commands import make_it
from tools.doctor.network import Where
from tools.environment.doctor.account import Visit
from tools.environment.doctor.looks import NeededError
from tools.environment.doctor.prefect import Pool, Prefect, there
from tools.environment.provenance import origin
from tools.errors import UserError
from tools.model import names
from tools.model.events import Waiting
from tools.model.findings import Check, Finding
from tools.model.network import Network

NETWORK, RUNS, GITHUB = "network", "runs", "GitHub"


def look_at_network(visit: Visit, pool: Pool) -> None:
    """Whether tasks get out of the subnets that they start in, as far as the network's own description tells."""
    look = visit.looks.look

    where = look(NETWORK, "where tasks start", lambda: _where(visit, pool))
    described = look(NETWORK, "VPC", lambda: Ec2(visit.aws.aws()).network(where.value().subnets, where.value().groups))

    def found() -> Network:
        network = described.value()
        if network is None:
            raise UserError(
                f"none of {', '.join(where.value().subnets)} is there, in this region and account",
                f"{make_it(visit.place.name)} with other subnets",
            )
        return network

    look(NETWORK, "subnets", found, lambda check, of: network.subnets(check, where.value(), of))
    look(NETWORK, "names", found, network.names)
    look(NETWORK, "security groups", found, lambda check, of: network.security_groups(check, where.value(), of))


def _where(visit: Visit, pool: Pool) -> Where:
    """Where tasks start, as the pool's template says. The worker of a stack has no public address."""
    found = judge.defaults(there(pool.found).template)
    subnets, groups = judge.ids(found.get("subnets")), judge.ids(found.get("security_groups"))
    if not subnets:
        raise NeededError("subnets in the pool's job template")
    inputs = visit.inputs()
    public = found.get("assign_public_ip") == "ENABLED" and not (inputs and inputs.worker_image)
    return Where(subnets, groups, public)


def look_at_runs(visit: Visit, prefect: Prefect, pool: Pool) -> None:
    """Whether runs are late, whether their logs have a place, what is told of tasks, whether an alarm rings."""
    look = visit.looks.look
    look(
        RUNS,
        "late runs",
        lambda: prefect_health.late_runs(prefect.let_in(), there(pool.found).name),
        lambda check, late: judge.late(check, late, there(pool.found), pool.workers.value(), prefect.now()),
    )
    look(
        RUNS,
        "log group",
        lambda: cloudwatch.has_log_group(visit.aws.aws(), visit.settings().log_group),
        lambda check, found: runs.log_group(check, visit.settings().log_group, there=found),
    )
    if not visit.place.is_local:  # the emulator tells nothing of tasks
        _look_at_events(visit)


def _look_at_events(visit: Visit) -> None:
    """What a stack made to tell of tasks: queues and alarms."""
    name, stacks = visit.place.name, visit.stacks
    queue, dead = names.events_queue(name), f"{names.events_queue(name)}-dead"

    def waiting(of: str) -> Waiting | None:
        stacks.check("run", name)
        return sqs.waiting(visit.aws.aws(), of)

    def ringing() -> Mapping[str, str]:
        stacks.check("run", name)
        return cloudwatch.ringing(visit.aws.aws(), f"{names.PLATFORM}-{name}-")

    look = visit.looks.look
    look(RUNS, "task events", lambda: waiting(queue), lambda check, found: runs.events(check, queue, found, name))
    look(
        RUNS,
        "unread task events",
        lambda: waiting(dead),
        lambda check, found: runs.dead_events(check, dead, found, name),
    )
    look(RUNS, "alarms", ringing, runs.alarms)


def look_at_github(visit: Visit) -> None:
    """Whether workflows of this repository can take the deployer's role, where the account has such roles."""
    role = names.role(visit.place.name, "deployer")

    def at() -> tuple[Mapping[str, Any] | None, str] | None:
        if visit.stacks.stacks.value()[names.ACCOUNT_STACK] is None:
            return None
        return Iam(visit.aws.aws()).trust(role), origin(visit.place.root)

    def tell(check: Check, found: tuple[Mapping[str, Any] | None, str] | None) -> Iterator[Finding]:
        if found:
            yield from github.subject(check, visit.place.name, *found, role)

    visit.looks.look(GITHUB, "workflows", at, tell)
