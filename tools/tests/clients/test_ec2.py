"""EC2's description of a network as the doctor relies on it, on two emulators."""

from __future__ import annotations

from typing import Any

import pytest

from tools.clients.ec2 import Ec2
from tools.model.network import Route
from tools.settings import Connection
from tools.tests.servers import EMULATORS
from tools.tests.standing import Standing

ANYWHERE = "0.0.0.0/0"


@pytest.fixture(params=EMULATORS)
def connection(request: pytest.FixtureRequest) -> Connection:
    """Each emulator."""
    found: Connection = request.getfixturevalue(request.param)
    return found


def test_a_subnet_has_its_own_routes_or_the_main_ones(connection: Connection) -> None:
    ec2: Any = Standing(connection, "any").client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    one, two = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24")["Subnet"]["SubnetId"] for number in (1, 2)
    )
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=one)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    service = f"com.amazonaws.{connection.region}.ecr.api"
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, VpcEndpointType="Interface", SubnetIds=[one])
    group = ec2.create_security_group(VpcId=vpc, GroupName="x", Description="x")["GroupId"]

    found = Ec2(connection).network([one, two, "subnet-0a1b2c3d"], [group, "sg-0a1b2c3d"])

    assert found
    assert (found.vpc, found.resolves, found.host_names) == (vpc, True, False)
    assert found.routes.keys() == {one, two}
    assert Route(ANYWHERE, gateway) in found.routes[one]
    assert [route.to for route in found.routes[two]] == ["10.7.0.0/16"]
    assert [(item.service, item.available, item.subnets) for item in found.endpoints] == [("ecr.api", True, (one,))]
    assert found.egress == {group: True}


def test_a_group_that_lets_out_other_things_does_not_let_https_out(connection: Connection) -> None:
    ec2: Any = Standing(connection, "any").client("ec2")
    (subnet, *_) = [item["SubnetId"] for item in ec2.describe_subnets()["Subnets"]]
    vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]

    def group(name: str, *rules: tuple[str, int, int, str]) -> str:
        made: str = ec2.create_security_group(VpcId=vpc, GroupName=name, Description="x")["GroupId"]
        (standing,) = ec2.describe_security_groups(GroupIds=[made])["SecurityGroups"]
        ec2.revoke_security_group_egress(GroupId=made, IpPermissions=standing["IpPermissionsEgress"])
        for protocol, first, last, where in rules:
            rule = {"IpProtocol": protocol, "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": where}]}
            ec2.authorize_security_group_egress(GroupId=made, IpPermissions=[rule])
        return made

    wide, narrow, inside, closed = (
        group("wide", ("tcp", 0, 65535, ANYWHERE)),
        group("narrow", ("tcp", 80, 80, ANYWHERE), ("udp", 443, 443, ANYWHERE)),
        group("inside", ("tcp", 443, 443, "10.0.0.0/8")),
        group("closed"),
    )
    found = Ec2(connection).network([subnet], [wide, narrow, inside, closed])

    assert found
    assert found.egress == {wide: True, narrow: False, inside: False, closed: False}


def test_subnets_that_are_not_there_have_no_network(connection: Connection) -> None:
    assert Ec2(connection).network(["subnet-0a1b2c3d"], []) is None
