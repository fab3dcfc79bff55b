"""What a flow may do: declared, told by plan, kept from release, made by bootstrap, released. On an emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.model.release import Release
from tools.plan.deployments import prefect_deployments
from tools.settings import Connection
from tools.tests.proxy import Proxy
from tools.tests.repositories import STORAGE, Repository, make_service
from tools.tests.samples import draft
from tools.tests.servers import released_image
from tools.tests.standing import Standing

ENVIRONMENT, ACCOUNT, FLOW = "Permit", "000000000000", "permitted"
POOL = "permit"
"""No other test's: they have pools of other types."""
BUCKET = f"data-flows-{ACCOUNT}-us-east-1-permit"
ROLE = f"data-flows-{ENVIRONMENT}-task-{FLOW}"
DECLARED = {"actions": ["s3:GetObject"], "resources": ["arn:{partition}:s3:::{bucket}/raw/*"]}
READ = f"s3:GetObject on arn:aws:s3:::{BUCKET}/raw/*"
FIRST = f"make bootstrap ENVIRONMENT={ENVIRONMENT} first: "


class Site:
    """A repository and its environment."""

    def __init__(self, home: Path, prefect_url: str, aws: Connection) -> None:
        self.home, self.prefect_url, self.aws = home, prefect_url, aws
        self.repository, self.standing = Repository(home), Standing(aws, ENVIRONMENT)
        self.declare(FLOW)

    def declare(self, name: str, ecs_run: str = "") -> None:
        """A service of the repository."""
        function = name.replace("-", "_")
        make_service(self.home, name, {"service.toml": f"{STORAGE.replace('hello', function)}\n[ecs_run]\n{ecs_run}"})

    def permit(self, action: str = "s3:GetObject") -> None:
        """The flow declares that it reads."""
        self.declare(FLOW, f'permissions = [{{ actions = ["{action}"], resources = {DECLARED["resources"]} }}]\n')

    def said(self, *arguments: str, code: int = 0, aws: str | None = None) -> str:
        """What a verb says."""
        variables = {
            "AWS_ENDPOINT_URL": aws or str(self.aws.endpoint),
            "AWS_REGION": self.aws.region,
            "ENVIRONMENT": ENVIRONMENT,
            "REGISTRY": "registry.test",
        }
        came = self.repository.run(*arguments, **variables)
        assert came.returncode == code, came.stdout + came.stderr
        assert "Traceback" not in came.stderr
        return came.stdout if "--json" in arguments else came.stdout + came.stderr

    def planned(self, *arguments: str, code: int, aws: str | None = None) -> dict[str, Any]:
        """The plan of each flow."""
        told = json.loads(self.said("plan", *arguments, "--json", code=code, aws=aws))
        return {item["name"]: item for item in told["flows"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, prefect_api_url: str, ministack: Connection) -> Iterator[Site]:
    """The environment, as bootstrap made it when the flow declared nothing."""
    made = Site(tmp_path_factory.mktemp("site"), prefect_api_url, ministack)
    ec2 = made.standing.client("ec2")
    vpc, subnets = ec2.describe_vpcs()["Vpcs"][0]["VpcId"], ec2.describe_subnets()["Subnets"][:2]
    where = ("--vpc", vpc, "--subnets", ",".join(item["SubnetId"] for item in subnets), "--worker-image", "none")
    made.said("bootstrap", *where, "--prefect-api-url", prefect_api_url, "--work-pool", POOL, "--yes")
    yield made
    api = PrefectApi(prefect_api_url)
    for item in api.deployments([FLOW]):
        api.remove(item.id)


def test_1_what_bootstrap_has_not_made_yet_is_not_released_and_the_others_go_on(site: Site) -> None:
    site.permit()
    site.declare("newcomer")
    site.declare("guest", 'task_role = "guest"\n')
    asked: list[bytes] = []
    proxy = Proxy(str(site.aws.endpoint), before=lambda request: asked.append(request.body))

    with proxy.serving() as port:
        flows = site.planned(code=2, aws=f"http://127.0.0.1:{port}")

    assert flows[FLOW]["problems"] == [f"{FIRST}the role {ROLE} lacks {READ}"]
    assert flows["newcomer"]["problems"] == [f"{FIRST}there is no role data-flows-{ENVIRONMENT}-task-newcomer yet"]
    assert flows["guest"]["problems"] == []
    assert len([body for body in asked if b"Action=GetTemplate" in body]) == 1
    assert f"error: {FLOW}: {FIRST}the role {ROLE} lacks {READ}" in site.said("deploy", FLOW, code=2)
    assert Ecs(site.aws).releases(f"data-flows-{ENVIRONMENT}-{FLOW}") == []


def test_2_bootstrap_says_what_a_role_will_allow_and_makes_it(site: Site) -> None:
    told = json.loads(site.said("bootstrap", "--yes", "--json"))
    resources = {item["subject"]: item for stack in told["stacks"] for item in stack["resources"]}

    assert resources[f"role {ROLE}"]["why"] == [f"Policies.allowed.{READ} none → always"]
    assert resources[f"role data-flows-{ENVIRONMENT}-task-newcomer"]["verb"] == "create"
    (policy,) = site.standing.roles()[ROLE]["Policies"]
    assert policy["PolicyDocument"]["Statement"][-1] == {
        "Sid": "S3GetObject",
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/raw/*"],
    }
    flows = site.planned(code=0)
    assert [item["problems"] for item in flows.values()] == [[], [], []]
    assert f"release data-flows-{ENVIRONMENT}-{FLOW}" in [f"{a['verb']} {a['subject']}" for a in flows[FLOW]["actions"]]


def test_3_a_typo_is_told_before_anything_is_made(site: Site) -> None:
    site.permit("s3:GetObjct")
    typo = f"services/{FLOW}/service.toml:5: ecs_run.permissions[0].actions[0]: AWS has no action s3:GetObjct; did you "

    assert typo in site.said("bootstrap", "--yes", code=2)
    site.permit()


def test_4_a_rollback_says_what_the_role_lacks_of_what_the_release_declared(site: Site) -> None:
    ecs, ecr, api = Ecs(site.aws), Ecr(site.aws, "registry.test"), PrefectApi(site.prefect_url)
    role = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    written = {**DECLARED, "actions": ["s3:GetObject", "s3:PutObject"]}

    def released(permissions: list[dict[str, Any]]) -> Release:
        run = {"task_role": role, "execution_role": "execution", "permissions": permissions}
        one = draft(FLOW, environment=ENVIRONMENT, ecs_run=run, secret_paths={})
        return ecs.make_release(one.model_copy(update={"image": released_image(ecr, site.aws, one)}))

    released([written])
    (deployment,) = prefect_deployments(released([]), POOL).values()
    api.create(deployment)

    said = site.said("rollback", FLOW)

    assert "patched daily" in said
    assert (
        f"note: the role {ROLE} lacks s3:PutObject on arn:aws:s3:::{BUCKET}/raw/*, which release 1 declares; " in said
    )
