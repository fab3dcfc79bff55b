"""An environment as bootstrap and deploy leave it, on an emulator and a real Prefect server, to break and look at."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.clients.aws import Caller
from tools.clients.cloudformation import CloudFormation
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.foundations import Foundations
from tools.clients.prefect_api import PrefectApi
from tools.environment.bootstrap import Account
from tools.environment.doctor import look_at_environment
from tools.environment.doctor.account import Place
from tools.environment.doctor.looks import Looks
from tools.environment.ground import NO_WORKER
from tools.environment.stacks import carry_out, prepared
from tools.model import names
from tools.model.findings import Finding
from tools.model.release import Release
from tools.settings import Connection
from tools.stacks.inputs import Inputs, ServiceRoles
from tools.stacks.inputs import Place as Lies
from tools.stacks.pool import work_pool
from tools.tests.repositories import STORAGE, make_base, make_service
from tools.tests.samples import draft, prefect_deployment, unique
from tools.tests.servers import ask, released_image
from tools.tests.stack_inputs import REPOSITORY
from tools.tests.standing import Standing

ACCOUNT = "000000000000"
SECRET = '\n[ecs_run]\nsecrets = { TOKEN = "TOKEN" }\n'
Found = Mapping[tuple[str, str], list[Finding]]


class Sickbay:
    """An environment of one flow that is deployed and has a secret, in a network of its own.

    Args:
        home: an empty directory.
        aws: the emulator.
        prefect: the address of a Prefect server's API.
        way: another one, by which the tools reach it.
    """

    def __init__(self, home: Path, aws: Connection, prefect: str, way: str) -> None:
        self.name = unique("Env").replace("-", "")
        self.home, self.aws, self.pool = home, aws, unique("pool")
        self.prefect, self.way = prefect, way
        self.standing = Standing(aws, self.name)
        self.block = unique("results")
        self._checkout()
        self._network()
        self.inputs = self._inputs()
        self._stacks()
        self.client("ssm").put_parameter(
            Name=f"/DataFlows/{self.name}/hello/TOKEN", Value="canary-token", Type="SecureString"
        )
        self._pool()
        self._block()
        self.release = self.deploy("daily", "0123456789abcdef")

    def client(self, service: str) -> Any:
        """A client of the emulator."""
        return self.standing.client(service)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Asks the Prefect server."""
        answer = ask(method, f"{self.prefect}{path}", body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def look(self, environment: str = "", **variables: str) -> Found:
        """What the doctor finds, by group and thing.

        Args:
            environment: another one, which was made by hand.
            variables: of the process, beside those that say where the emulator is; empty ones are not there.
        """
        usual = {"AWS_REGION": self.aws.region, "AWS_ENDPOINT_URL": str(self.aws.endpoint)}
        usual["RESULTS_BLOCK"] = f"s3-bucket/{self.block}"
        found: dict[tuple[str, str], list[Finding]] = {}
        with Looks() as looks:
            place = Place(self.home, environment or self.name, {**usual, **variables}, self.home / ".env")
            look_at_environment(looks, place)
            for finding in looks.findings():
                found.setdefault((finding.group, finding.what), []).append(finding)
        return found

    def template(self, **defaults: object) -> dict[str, Any]:
        """The work pool's template with this environment's values, or some others."""
        group = self.standing.security_group()["GroupId"]
        found: dict[str, Any] = copy.deepcopy(work_pool(self.inputs, group).base_job_template)
        for name, value in defaults.items():
            found["variables"]["properties"][name]["default"] = value
        return found

    def heartbeat(self, worker: str) -> None:
        """A worker of the pool tells that it is alive."""
        self.ask("POST", f"/work_pools/{self.pool}/workers/heartbeat", {"name": worker})

    def run_late(self) -> str:
        """A run of the flow that should have begun, and is late; its name."""
        first, *_ = PrefectApi(self.prefect).deployments(["hello"])
        made = self.ask("POST", f"/deployments/{first.id}/create_flow_run", {"state": {"type": "SCHEDULED"}})
        late = {"type": "SCHEDULED", "name": "Late"}
        self.ask("POST", f"/flow_runs/{made['id']}/set_state", {"state": late, "force": True})
        return str(made["name"])

    def clear(self) -> None:
        """Leaves no deployment to the tests that come after."""
        api = PrefectApi(self.prefect)
        for item in api.tagged(names.mark(self.name)):
            api.remove(item.id)

    def _checkout(self) -> None:
        make_base(self.home, {"requirements.lock": "prefect==3.8.8 \\\n    --hash=sha256:0\n"})
        make_service(self.home, "hello", {"service.toml": STORAGE + SECRET})
        origin = f"git@github.com:{REPOSITORY.name}.git"
        for command in (["init", "--quiet"], ["remote", "add", "origin", origin]):
            subprocess.run(["git", "-C", str(self.home), *command], check=True)

    def _network(self) -> None:
        """Two subnets that get out through a NAT gateway."""
        ec2 = self.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        made = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")
            for number, zone in enumerate("ab")
        ]
        self.subnets = tuple(item["Subnet"]["SubnetId"] for item in made)
        self.nat = ec2.create_nat_gateway(SubnetId=self.subnets[0])["NatGateway"]["NatGatewayId"]
        self.tables = []
        for subnet in self.subnets:
            table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
            ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=self.nat)
            self.tables.append(table)

    def _inputs(self) -> Inputs:
        return Inputs(
            place=Lies(self.name, "aws", self.aws.region, ACCOUNT),
            vpc=self.vpc,
            subnets=self.subnets,
            prefect_api_url=self.way,
            work_pool=self.pool,
            services=(ServiceRoles("hello"),),
            worker_image_told=NO_WORKER,
            repository=REPOSITORY,
        )

    def _stacks(self) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:root"
        clients = CloudFormation(self.aws, 0.05), Foundations(self.aws)
        account = Account(self.name, self.aws, Caller(ACCOUNT, "aws", arn), {}, *clients)
        with prepared(account, self.inputs) as items:
            carry_out(account, items, lambda *_: None)

    def _pool(self) -> None:
        body = {"name": self.pool, "type": "ecs", "base_job_template": self.template()}
        self.ask("POST", "/work_pools/", body)
        self.heartbeat("one")

    def _block(self) -> None:
        kinds = self.ask("POST", "/block_types/filter", {"block_types": {"slug": {"any_": ["s3-bucket"]}}})
        found = [item for item in kinds if item["slug"] == "s3-bucket"]
        kind = found[0] if found else self.ask("POST", "/block_types/", {"name": "S3 Bucket", "slug": "s3-bucket"})
        schema = {"fields": {"title": unique("S3Bucket"), "type": "object"}, "block_type_id": kind["id"]}
        made = self.ask("POST", "/block_schemas/", schema)
        self.block_id = self.ask(
            "POST",
            "/block_documents/",
            {
                "name": self.block,
                "data": {"bucket_name": self.inputs.place.bucket, "bucket_folder": "results"},
                "block_schema_id": made["id"],
                "block_type_id": kind["id"],
            },
        )["id"]

    def deploy(self, deployment: str, fingerprint: str) -> Release:
        """Makes a release of the flow, and a deployment that points at it."""
        wanted = draft("hello", environment=self.name, fingerprint=fingerprint)
        image = released_image(Ecr(self.aws, None), self.aws, wanted)
        made = Ecs(self.aws).make_release(wanted.model_copy(update={"image": image}))
        tags, variables = (names.mark(self.name),), {"task_definition_arn": made.arn}
        more = {"tags": tags, "job_variables": variables, "work_pool": self.pool, "schedules": ()}
        PrefectApi(self.prefect).create(prefect_deployment("hello", name=deployment, **more))
        return made
