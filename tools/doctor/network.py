"""A network by its own description: whether tasks in it get out to what they need.

Nothing is sent: a firewall, a network ACL or a name server of one's own may still stand between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.model.findings import Check, Finding
from tools.model.network import Network, Route

ANYWHERE = "0.0.0.0/0"
#: What a task needs of AWS before its flow begins, and while it runs.
SERVICES = ("ecr.api", "ecr.dkr", "s3", "ssm", "logs")
_BY_ROUTES = "by its routes"


@dataclass(frozen=True)
class Where:
    """Where tasks start."""

    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    """Their security groups."""
    public: bool
    """Whether they get addresses of the internet."""


def subnets(check: Check, where: Where, found: Network) -> Iterator[Finding]:
    """Whether tasks in each subnet reach the registry, S3, SSM, the logs and the Prefect API.

    Args:
        check: what is told of.
        where: the tasks start.
        found: their VPC.
    """
    for subnet in where.subnets:
        routes = found.routes.get(subnet)
        if routes is None:
            yield check.failed(f"{subnet} is not there", "give other subnets: make bootstrap, --subnets")
        else:
            yield _subnet(check, subnet, routes, found, public=where.public)


def _subnet(check: Check, subnet: str, routes: Sequence[Route], found: Network, *, public: bool) -> Finding:
    out = next((route for route in routes if route.to == ANYWHERE), None)
    if out is None:
        return _closed(check, subnet, routes, found)
    if not out.leads:
        return check.failed(
            f"{subnet}: its route to {ANYWHERE} leads nowhere, {out.through} is gone",
            f"lead it through a NAT gateway that is there, or remove it and give {found.vpc} endpoints",
        )
    if out.through.startswith("igw-") and not public:
        return check.failed(
            f"{subnet}: {ANYWHERE} leads to the internet gateway {out.through}, and tasks have no public addresses: "
            "nothing comes back to them",
            "give subnets whose route leads through a NAT gateway, or ENABLED as the pool's assign_public_ip",
        )
    if out.through.startswith(("nat-", "igw-")):
        return check.passed(f"{subnet} gets out through {out.through}, {_BY_ROUTES}")
    return check.unknown(
        f"{subnet}: {ANYWHERE} leads to {out.through or 'nothing known'}; what lies behind is not known"
    )


def _closed(check: Check, subnet: str, routes: Sequence[Route], found: Network) -> Finding:
    """A subnet without a way to the internet: it needs a way to each service of AWS."""
    lacking = [name for name in SERVICES if not _reaches(name, routes, found)]
    if lacking:
        return check.failed(
            f"{subnet} has no route to {ANYWHERE} and no endpoint of {', '.join(lacking)}: tasks cannot start there",
            f"give it a route through a NAT gateway, or {found.vpc} these endpoints",
        )
    return check.unknown(
        f"{subnet} reaches AWS through endpoints, {_BY_ROUTES}; it has no route to {ANYWHERE}, so the Prefect API must "
        "lie in the VPC or behind a route of its own"
    )


def _reaches(service: str, routes: Sequence[Route], found: Network) -> bool:
    through = {route.through for route in routes if route.leads}
    ways = [item for item in found.endpoints if item.service == service and item.available]
    # A gateway endpoint is a route; an interface stands for the service's name in all of the VPC.
    return any(item.id in through or (item.subnets and item.private_names) for item in ways)


def names(check: Check, found: Network) -> Iterator[Finding]:
    """Whether tasks can find addresses by names."""
    if not found.resolves:
        yield check.failed(
            f"{found.vpc} has no name server: no name is found in it",
            f"aws ec2 modify-vpc-attribute --vpc-id {found.vpc} --enable-dns-support",
        )
    elif any(item.private_names for item in found.endpoints) and not found.host_names:
        yield check.failed(
            f"{found.vpc} has endpoints with private names and no DNS host names: these names do not lead to them",
            f"aws ec2 modify-vpc-attribute --vpc-id {found.vpc} --enable-dns-hostnames",
        )
    else:
        yield check.passed(f"{found.vpc} has a name server")


def security_groups(check: Check, where: Where, found: Network) -> Iterator[Finding]:
    """Whether HTTPS goes out of the tasks' security groups."""
    for group in where.groups:
        out = found.egress.get(group)
        if out is None:
            yield check.failed(f"the security group {group} is not there", "make bootstrap makes the environment's")
        elif not out:
            yield check.unknown(
                f"{group} does not let HTTPS out to {ANYWHERE}; whether to all that is needed is not looked at"
            )
        else:
            yield check.passed(f"{group} lets HTTPS out")
