"""Looks at what each flow needs in an environment: secrets, roles, the releases that run and their images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tools.clients import ssm
from tools.clients.aws import PARALLEL
from tools.clients.iam import Iam
from tools.desired.discover import Broken, discover
from tools.desired.draft import roles, secret_paths
from tools.doctor import flows as judge
from tools.doctor.flows import Pointed
from tools.environment.doctor.account import Visit
from tools.environment.doctor.prefect import Prefect
from tools.model.findings import Check, Finding
from tools.model.names import family, mark
from tools.model.release import Release
from tools.model.service import Service
from tools.plan.live import points_at

GROUP = "flows"
Declared = tuple[list[Service], list[Broken]]


def look_at_flows(visit: Visit, prefect: Prefect) -> None:
    """Their files, secrets, roles, releases and images."""
    look, name = visit.looks.look, visit.place.name
    files = look(GROUP, "files", lambda: discover(visit.place.root), _tell_files)
    look(
        GROUP,
        "secrets",
        lambda: _secrets(visit, files.value()),
        lambda check, f: judge.secrets(check, *f, name),
    )
    look(GROUP, "roles", lambda: _roles(visit, files.value()), lambda check, f: judge.roles(check, *f, name))
    running = look(
        GROUP, "releases", lambda: _releases(visit, prefect, files.value()), lambda c, f: judge.releases(c, f, name)
    )
    look(GROUP, "images", lambda: _with_images(visit, running.value()), lambda c, f: judge.images(c, f, name))


def _tell_files(check: Check, found: Declared) -> Iterator[Finding]:
    services, broken = found
    for item in broken:
        yield check.failed(f"{item.name} cannot be deployed: {item.problems[0]}", "make check shows all that is wrong")
    if not broken:
        yield check.passed(f"{len(services)} declared")


def _secrets(visit: Visit, declared: Declared) -> tuple[Mapping[str, Mapping[str, str]], Sequence[str]]:
    settings = visit.settings()
    wanted = {item.name: secret_paths(item, settings) for item in declared[0]}
    paths = [path for some in wanted.values() for path in some.values()]
    return {name: some for name, some in wanted.items() if some}, ssm.missing(visit.aws.aws(), paths)


def _roles(visit: Visit, declared: Declared) -> tuple[Mapping[str, set[str]], Mapping[str, bool]]:
    settings, iam = visit.settings(), Iam(visit.aws.aws())
    wanted: dict[str, set[str]] = {}
    for service in declared[0]:
        for name in roles(service, settings):
            wanted.setdefault(name.rpartition("/")[2], set()).add(service.name)
    with ThreadPoolExecutor(PARALLEL) as pool:
        there = pool.map(lambda name: iam.trust(name) is not None, wanted)
        return wanted, dict(zip(wanted, there, strict=True))


def _releases(visit: Visit, prefect: Prefect, declared: Declared) -> list[Pointed]:
    """What each of our deployments points at; whether it can be run is asked by family, what it is by its ARN."""
    ours = mark(visit.place.name)
    flows = [item.name for item in declared[0]]
    deployments = [item for item in prefect.let_in().deployments(flows) if ours in item.tags and points_at(item)]
    ecs = visit.in_aws().ecs
    ecs.warm_up()
    families = sorted({family(visit.place.name, item.flow) for item in deployments})
    with ThreadPoolExecutor(PARALLEL) as pool:
        active = {arn for some in pool.map(ecs.active, families) for arn in some}
        arns = sorted({points_at(item) for item in deployments} & active)
        known = dict(zip(arns, pool.map(ecs.release, arns), strict=True))
    return [
        Pointed(
            item.full_name,
            item.flow,
            points_at(item).rpartition("/")[2],
            points_at(item) in active,
            release if isinstance(release := known.get(points_at(item)), Release) else None,
        )
        for item in deployments
    ]


def _with_images(visit: Visit, running: Sequence[Pointed]) -> list[Pointed]:
    """The same, with whether the registry has their images."""
    ecr = visit.in_aws().ecr
    ecr.warm_up()
    wanted = {(item.known.repository, item.known.image_digest) for item in running if item.known}
    with ThreadPoolExecutor(PARALLEL) as pool:
        there = dict(zip(wanted, pool.map(lambda image: ecr.holds(*image), wanted), strict=True))
    return [
        replace(item, has_image=there[item.known.repository, item.known.image_digest]) if item.known else item
        for item in running
    ]
