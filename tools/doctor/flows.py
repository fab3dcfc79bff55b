"""What each flow needs in an environment: its secrets, its roles, the releases that run and their images."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.doctor.commands import make, make_it
from tools.model.credential import CREDENTIALS
from tools.model.findings import Check, Finding
from tools.model.release import Release


def secrets(
    check: Check, wanted: Mapping[str, Mapping[str, str]], missing: Collection[str], environment: str
) -> Iterator[Finding]:
    """Whether the parameters of all secrets are there.

    Args:
        check: what is told of.
        wanted: by service the full paths of its secrets' parameters, by their variables.
        missing: those that are not there.
        environment: its name.
    """
    for service, paths in sorted(wanted.items()):
        for variable, path in sorted(paths.items()):
            if path in missing:
                whose = "" if variable in CREDENTIALS else f"--flow {service} "
                yield check.failed(
                    f"{service}: there is no parameter {path}",
                    f"python -m tools secret {variable} {whose}--environment {environment}",
                )
    everything = {path for paths in wanted.values() for path in paths.values()}
    if not everything:
        yield check.passed("no flow has any")
    elif not everything & {*missing}:
        yield check.passed(f"{_count(len(everything), 'parameter')} of {_count(len(wanted), 'flow')}, all there")


def roles(
    check: Check, wanted: Mapping[str, Collection[str]], there: Mapping[str, bool], environment: str
) -> Iterator[Finding]:
    """Whether the roles are there that tasks are given.

    Args:
        check: what is told of.
        wanted: by role the services whose tasks have it.
        there: by role whether it is.
        environment: its name.
    """
    for name, services in sorted(wanted.items()):
        if not there[name]:
            some = sorted(services)
            more = f" and {len(some) - 3} more" if len(some) > 3 else ""
            yield check.failed(
                f"there is no role {name}, which the tasks of {', '.join(some[:3])}{more} have",
                f"{make_it(environment)}, or mend the role's name in service.toml or among the settings",
            )
    if all(there.values()):
        services = {service for group in wanted.values() for service in group}
        yield check.passed(f"{_count(len(wanted), 'role')} of {_count(len(services), 'flow')}, all there")


@dataclass(frozen=True)
class Pointed:
    """A release that a deployment points at."""

    deployment: str
    """Its full name."""
    flow: str
    release: str
    """Its family and number."""
    active: bool
    known: Release | None = None
    """None where it cannot be read."""
    has_image: bool = True


def releases(check: Check, found: Sequence[Pointed], environment: str) -> Iterator[Finding]:
    """Whether the releases that deployments point at can still be run."""
    if not found:
        yield check.passed(f"nothing is deployed yet: {make('deploy', environment)}")
        return
    gone = [item for item in found if not item.active]
    for item in gone:
        yield check.failed(
            f"{item.deployment} points at {item.release}, which is none or no longer active",
            make(f"deploy-flow NAME={item.flow}", environment),
        )
    if not gone:
        yield check.passed(f"{_count(len(found), 'deployment')}, each points at an active release")


def images(check: Check, found: Sequence[Pointed], environment: str) -> Iterator[Finding]:
    """Whether the registry has the images of the releases that deployments point at."""
    lost = [item for item in found if item.active and not item.has_image]
    for item in lost:
        yield check.failed(
            f"{item.deployment} runs {item.release}, whose image the registry no longer has",
            f"{make(f'deploy-flow NAME={item.flow}', environment)} pushes it again",
        )
    count = len({item.known.image for item in found if item.known})
    if not lost:
        yield check.passed(f"{_count(count, 'image')}, all there" if count else "nothing is deployed yet")


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
