"""What an environment stands on that is not the repository's: its network, its Prefect API, whose workflows may deploy.

Takes what was said on the command line, the process environment, `.env` and the environment's parameters, where an
earlier bootstrap left it; gives `Ground`. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.errors import UserError
from tools.model import names
from tools.settings import api_url_problems, form_problems

#: What must be known, each with what it is called when it is asked for.
ASKED = {
    "VPC": "the VPC that tasks start in (vpc-…)",
    "SUBNETS": "its subnets, in two zones or more, joined by commas (subnet-…,subnet-…)",
    "PREFECT_API_URL": "the address of the Prefect API (https://…/api)",
}
NO_WORKER = "none"
_DEFAULTS = {"WORK_POOL": names.PLATFORM}
_FORMS = {
    "VPC": (r"vpc-[0-9a-f]{8,17}", "the id of a VPC, vpc-…"),
    "SUBNETS": (
        r"subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})+",
        "the ids of two subnets or more, joined by commas: subnet-…,subnet-…",
    ),
    "PREFECT_API_URL": ("", ""),
    "WORK_POOL": (r"[^/%&<>]+", "a name without / % & < >"),
    "WORKER_IMAGE": (
        rf"[^\s@]+@sha256:[0-9a-f]{{64}}|{NO_WORKER}",
        f"an image by its digest, …@sha256:…, or {NO_WORKER}",
    ),
    "ALARM_TOPIC": (r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+", "the ARN of an SNS topic"),
    "GITHUB_REPOSITORY": (r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", "OWNER/NAME"),
    "GITHUB_REPOSITORY_ID": (r"[0-9]{1,19}", "a number: gh api repos/OWNER/NAME --jq .id"),
    "AWS_ACCOUNT_ID": (r"[0-9]{12}", "the 12 digits of an account"),
}


@dataclass(frozen=True)
class Ground:
    """What an environment stands on."""

    vpc: str
    subnets: tuple[str, ...]
    prefect_api_url: str
    work_pool: str
    worker_image: str | None
    """By digest, or `none`; the repository's own where nothing is said."""
    alarm_topic: str | None
    repository: tuple[str, str] | None
    """Name and id of the repository on GitHub whose workflows may deploy."""


def missing(found: Mapping[str, str]) -> list[str]:
    """The names of what must be known and is not."""
    return [name for name in ASKED if not found.get(name)]


def found(
    environment: str, said: Mapping[str, str], given: Mapping[str, str], stored: Mapping[str, str]
) -> dict[str, str]:
    """What is known, each value in its form.

    Args:
        environment: its name.
        said: on the command line or when asked; goes before all else.
        given: by the process environment or `.env`.
        stored: among the environment's parameters.

    Raises:
        UserError: a value is malformed; all of them are told at once.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    for name, (pattern, words) in _FORMS.items():
        flag = f"--{name.lower().replace('_', '-')}"
        sources = {
            "the process environment or .env": given,
            f"{names.parameters(environment)}/{name}": stored,
        }
        if name in said:  # also where it is empty: so what was once given is taken back
            where, value = flag, said[name]
        else:
            where, value = next(
                ((where, source[name]) for where, source in sources.items() if source.get(name)), ("", "")
            )
        problems += form_problems(name, value, where, pattern, words)
        values[name] = value or _DEFAULTS.get(name, "")
    problems += api_url_problems(values["PREFECT_API_URL"].strip())
    problems += _repository_problems(values)
    if problems:
        raise UserError("\n".join(problems), "mend it where it stands")
    return values


def ground(environment: str, values: Mapping[str, str]) -> Ground:
    """What an environment stands on, of values in their forms.

    Raises:
        UserError: something is missing; all of it is told at once.
    """
    root = names.parameters(environment)
    absent = [
        f"{name} is missing: neither --{name.lower().replace('_', '-')}, nor in the process environment, nor in .env, "
        f"nor at {root}/{name}"
        for name in missing(values)
    ]
    if absent:
        raise UserError("\n".join(absent), "give it as a flag, or run this on a terminal to be asked")
    repository = (values["GITHUB_REPOSITORY"], values["GITHUB_REPOSITORY_ID"])
    return Ground(
        vpc=values["VPC"],
        subnets=tuple(values["SUBNETS"].split(",")),
        prefect_api_url=values["PREFECT_API_URL"].rstrip("/"),
        work_pool=values["WORK_POOL"],
        worker_image=values["WORKER_IMAGE"] or None,
        alarm_topic=values["ALARM_TOPIC"] or None,
        repository=repository if all(repository) else None,
    )


def network_problems(ground: Ground, region: str, zones: Mapping[str, tuple[str, str]] | None) -> Iterator[str]:
    """What is wrong with a network.

    Args:
        ground: which.
        region: the environment's.
        zones: VPC and availability zone of each of its subnets that there are; None where the VPC is not there.
    """
    if zones is None:
        yield f"the VPC {ground.vpc} is not in {region}, or not in this account"
        return
    for subnet in ground.subnets:
        if subnet not in zones:
            yield f"the subnet {subnet} is not in {region}, or not in this account"
        elif zones[subnet][0] != ground.vpc:
            yield f"the subnet {subnet} belongs to the VPC {zones[subnet][0]}, not to {ground.vpc}"
    lie_in = {zone for _, zone in zones.values()}
    if len(zones) == len(ground.subnets) and len(lie_in) == 1:
        yield f"all subnets lie in the zone {lie_in.pop()}: flows would stand still with it; two zones are needed"


def _repository_problems(values: Mapping[str, str]) -> Iterator[str]:
    if bool(values["GITHUB_REPOSITORY"]) != bool(values["GITHUB_REPOSITORY_ID"]):
        yield (
            "GITHUB_REPOSITORY and GITHUB_REPOSITORY_ID go together: a name can be given to another repository, "
            "an id cannot (gh api repos/OWNER/NAME --jq .id)"
        )
