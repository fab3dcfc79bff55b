"""EC2: what tasks in some subnets of a VPC can reach, by its own description. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tools.clients.aws import client, text, told
from tools.clients.bounds import finite
from tools.model.network import Endpoint, Network, Route
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client

#: Fields of a route that say where it leads to and what it goes through, those that are there.
_TO = ("DestinationCidrBlock", "DestinationPrefixListId", "DestinationIpv6CidrBlock")
_THROUGH = (
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "CarrierGatewayId",
    "LocalGatewayId",
    "CoreNetworkArn",
    "GatewayId",
)
_HTTPS = 443


class Ec2:
    """The networks of an account and region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client: EC2Client = client(connection, "ec2")

    def network(self, subnets: Sequence[str], groups: Sequence[str]) -> Network | None:
        """The VPC of some subnets as its tasks see it; None where none of the subnets is there.

        Args:
            subnets: those that tasks start in.
            groups: the security groups of the tasks.
        """
        there = self._there(subnets)
        if not there:
            return None
        vpc = next(iter(there.values()))
        return Network(
            vpc,
            resolves=self._attribute(vpc, "enableDnsSupport", "EnableDnsSupport"),
            host_names=self._attribute(vpc, "enableDnsHostnames", "EnableDnsHostnames"),
            routes=self._routes(vpc, there),
            endpoints=tuple(self._endpoints(vpc)),
            egress=self._egress(groups),
        )

    def _attribute(self, vpc: str, name: Any, key: str) -> bool:
        with told(f"reading {name} of {vpc} (ec2:DescribeVpcAttribute)", self._connection):
            answer: Any = self._client.describe_vpc_attribute(VpcId=vpc, Attribute=name)
            return bool(answer[key]["Value"])

    def _routes(self, vpc: str, subnets: Iterable[str]) -> dict[str, tuple[Route, ...]]:
        """A subnet without a table of its own has the VPC's main one."""
        doing = f"reading the route tables of {vpc} (ec2:DescribeRouteTables)"
        with told(doing, self._connection):
            own: dict[str, tuple[Route, ...]] = {}
            main: tuple[Route, ...] = ()
            pages = self._client.get_paginator("describe_route_tables").paginate(Filters=_in(vpc))
            for table in (table for page in finite(pages, doing) for table in page["RouteTables"]):
                routes = tuple(_route(route) for route in table["Routes"])
                for association in table["Associations"]:
                    if association.get("Main"):
                        main = routes
                    elif association.get("SubnetId"):
                        own[association["SubnetId"]] = routes
        return {subnet: own.get(subnet, main) for subnet in subnets}

    def _there(self, subnets: Sequence[str]) -> dict[str, str]:
        """The VPC of each subnet that is there."""
        with told("looking for the subnets (ec2:DescribeSubnets)", self._connection):
            answer = self._client.describe_subnets(Filters=[{"Name": "subnet-id", "Values": list(subnets)}])
            return {text(item["SubnetId"]): text(item["VpcId"]) for item in answer["Subnets"]}

    def _endpoints(self, vpc: str) -> Iterable[Endpoint]:
        doing = f"reading the endpoints of {vpc} (ec2:DescribeVpcEndpoints)"
        with told(doing, self._connection):
            pages = self._client.get_paginator("describe_vpc_endpoints").paginate(Filters=_in(vpc))
            return [
                _endpoint(item, self._connection.region)
                for page in finite(pages, doing)
                for item in page["VpcEndpoints"]
            ]

    def _egress(self, groups: Sequence[str]) -> dict[str, bool]:
        with told("reading the security groups (ec2:DescribeSecurityGroups)", self._connection):
            answer = self._client.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(groups)}])
            return {
                text(group["GroupId"]): any(_lets_https_out(item) for item in group["IpPermissionsEgress"])
                for group in answer["SecurityGroups"]
                if group["GroupId"] in groups
            }


def _in(vpc: str) -> Any:
    return [{"Name": "vpc-id", "Values": [vpc]}]


def _route(item: Any) -> Route:
    to, through = (next((item[key] for key in keys if item.get(key)), "") for keys in (_TO, _THROUGH))
    return Route(to, through, item.get("State") != "blackhole")


def _endpoint(item: Any, region: str) -> Endpoint:
    return Endpoint(
        text(item["VpcEndpointId"]),
        text(item["ServiceName"]).partition(f".{region}.")[2],
        text(item["State"]).lower() == "available",
        bool(item.get("PrivateDnsEnabled")),
        tuple(item.get("SubnetIds") or ()),
    )


def _lets_https_out(rule: Any) -> bool:
    anywhere = any(item.get("CidrIp") == "0.0.0.0/0" for item in rule.get("IpRanges", ()))
    if rule["IpProtocol"] == "-1":
        return anywhere
    return anywhere and rule["IpProtocol"] in ("tcp", "6") and rule["FromPort"] <= _HTTPS <= rule["ToPort"]
