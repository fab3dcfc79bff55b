"""Networks as EC2 describes them: what tasks can reach follows from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Where packets to a destination go."""

    to: str
    """A block of addresses, or the id of a list of them."""
    through: str
    """The id of a gateway, an interface or the like: `nat-…`, `igw-…`, `vpce-…`, `local`."""
    leads: bool = True
    """False where what it goes through is gone: a black hole."""


@dataclass(frozen=True)
class Endpoint:
    """A way of a VPC to a service of AWS that does not leave AWS."""

    id: str
    service: str
    """The last parts of its name, e.g. `ecr.api`."""
    available: bool
    private_names: bool = True
    """Whether the service's usual name leads to it."""
    subnets: tuple[str, ...] = ()
    """Where it has an interface; none for one that is a route."""


@dataclass(frozen=True)
class Network:
    """A VPC as its tasks see it."""

    vpc: str
    resolves: bool
    """Whether it has a name server."""
    host_names: bool
    """Whether private names of endpoints work in it."""
    routes: dict[str, tuple[Route, ...]]
    """Of each subnet that was asked for and is there."""
    endpoints: tuple[Endpoint, ...]
    egress: dict[str, bool]
    """Of each security group that was asked for and is there: whether HTTPS goes out of it to anywhere."""
