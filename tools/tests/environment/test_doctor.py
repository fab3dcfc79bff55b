"""The doctor on an emulator and a real Prefect server: all well, each thing broken by its cause, some out of reach."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tools.clients.ecs import Ecs
from tools.model import names
from tools.settings import Connection
from tools.stacks.account import ISSUER
from tools.tests.proxy import Proxy, Reply, Request
from tools.tests.repositories import make_service
from tools.tests.sickbay import Found, Sickbay
from tools.tests.standing import Standing

#: What the emulator does not know.
UNKNOWN = {("AWS", "blob mounting")}
KEY = "pnu_canaryCanaryCanary"


@pytest.fixture(scope="module")
def way(prefect_api_url: str) -> Proxy:
    """The way to the Prefect server: it refuses every key."""

    def refuse(request: Request) -> Reply | None:
        return Reply(401) if "Authorization" in request.headers else None

    return Proxy(prefect_api_url.removesuffix("/api"), before=refuse)


@pytest.fixture(scope="module")
def sickbay(
    tmp_path_factory: pytest.TempPathFactory, ministack: Connection, prefect_api_url: str, way: Proxy
) -> Iterator[Sickbay]:
    """The environment."""
    iam = Standing(ministack, "any").client("iam")
    provider = iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    with way.serving() as port:
        home = tmp_path_factory.mktemp("sickbay")
        made = Sickbay(home, ministack, prefect_api_url, f"http://127.0.0.1:{port}/api")
        yield made
    made.clear()
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["OpenIDConnectProviderArn"])


def action(request: Request) -> str:
    """What AWS is asked to do, in whichever of its protocols."""
    return request.action or request.path.rpartition("/operation/")[2]


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """What AWS was asked to do while nothing was broken."""
    return []


@pytest.fixture(scope="module")
def well(sickbay: Sickbay, way: Proxy, asked: list[str]) -> Found:
    """What is found before anything is broken."""
    aws = Proxy(str(sickbay.aws.endpoint), before=lambda request: asked.append(action(request)))
    way.requests.clear()
    with aws.serving() as port:
        found = sickbay.look(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    assert way.requests
    return found


@pytest.fixture(scope="module")
def ill(sickbay: Sickbay, well: Found) -> Found:
    """What is found where much is broken at once."""
    assert well
    break_prefect(sickbay)
    break_aws(sickbay)
    break_flows(sickbay)
    return sickbay.look()


def break_prefect(sickbay: Sickbay) -> None:
    """A run is late; the pool has another template and is paused, its worker is gone, its results go elsewhere."""
    sickbay.run_late()
    template = sickbay.template(cluster="elsewhere")
    template["job_configuration"]["task_run_request"]["enableExecuteCommand"] = True
    sickbay.ask("PATCH", f"/work_pools/{sickbay.pool}", {"is_paused": True, "base_job_template": template})
    sickbay.ask("DELETE", f"/work_pools/{sickbay.pool}/workers/one")
    body = {"data": {"bucket_name": "another"}, "merge_existing_data": True}
    sickbay.ask("PATCH", f"/block_documents/{sickbay.block_id}", body)


def break_aws(sickbay: Sickbay) -> None:
    """Routes, name server, security group, events, alarm, log group."""
    ec2, sqs = sickbay.client("ec2"), sickbay.client("sqs")
    ec2.delete_route(RouteTableId=sickbay.tables[0], DestinationCidrBlock="0.0.0.0/0")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.replace_route(RouteTableId=sickbay.tables[1], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.modify_vpc_attribute(VpcId=sickbay.vpc, EnableDnsSupport={"Value": False})
    group = sickbay.standing.security_group()
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    queue = names.events_queue(sickbay.name)
    for name, count in ((queue, 11), (f"{queue}-dead", 1)):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        for _ in range(count):
            entries = [{"Id": str(number), "MessageBody": "{}"} for number in range(10)]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
    alarm = f"data-flows-{sickbay.name}-dead-task-events"
    sickbay.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="tried")
    sickbay.client("logs").delete_log_group(logGroupName=names.log_group(sickbay.name))


def break_flows(sickbay: Sickbay) -> None:
    """A secret, a role, a release and an image are gone; a new flow has no role yet; the repository has moved."""
    sickbay.client("ssm").delete_parameter(Name=f"/DataFlows/{sickbay.name}/hello/TOKEN")
    iam, role = sickbay.client("iam"), names.task_role(sickbay.name, "hello")
    iam.delete_role_policy(RoleName=role, PolicyName="allowed")
    iam.delete_role(RoleName=role)
    Ecs(sickbay.aws).deregister(sickbay.deploy("other", "f" * 16).arn)
    lost = [{"imageDigest": sickbay.release.image_digest}]
    sickbay.client("ecr").batch_delete_image(repositoryName="data-flows/hello", imageIds=lost)
    make_service(sickbay.home, "newcomer")
    origin = "https://token@github.com/example/moved"
    subprocess.run(["git", "-C", str(sickbay.home), "remote", "set-url", "origin", origin], check=True)


class Row(NamedTuple):
    """Something that fails: where it is told, what is said of it and what to do; patterns."""

    group: str
    what: str
    found: str
    mend: str


BROKEN = [
    Row("stacks", r"data-flows-\w+-run", r"would change it: role data-flows-\w+-task-newcomer", r"make bootstrap ENV"),
    Row("Prefect", "work pool", r"pool-\w+ is paused", r"prefect work-pool resume 'pool-"),
    Row("Prefect", "job template", r"enableExecuteCommand none → True; .*default data-flows-\w+ → elsewhere", "YES=1"),
    Row("Prefect", "worker", r"never heard of one", r"prefect worker start --type ecs --pool 'pool-"),
    Row("Prefect", "results block", r"stands for another/results; the environment's bucket is data-flows-0", "YES=1"),
    Row(
        "flows",
        "secrets",
        r"hello: there is no parameter /DataFlows/\w+/hello/TOKEN",
        r"python -m tools secret TOKEN --flow hello --environment \w+",
    ),
    Row(
        "flows",
        "roles",
        r"no role data-flows-\w+-task-hello, which the tasks of hello have",
        r"make bootstrap ENVIRONMENT=Env",
    ),
    Row("flows", "roles", r"no role data-flows-\w+-task-newcomer", r"make bootstrap ENVIRONMENT=Env"),
    Row(
        "flows",
        "releases",
        r"hello/other points at data-flows-\w+-hello:2, which is",
        r"make deploy-flow NAME=hello ENVIRONMENT=Env",
    ),
    Row(
        "flows",
        "images",
        r"hello/daily runs data-flows-\w+-hello:1, whose image",
        r"make deploy-flow NAME=hello ENVIRONMENT=Env",
    ),
    Row(
        "network", "subnets", r"no route to 0.0.0.0/0 and no endpoint of ecr.api, ecr.dkr, s3, ssm, logs", "NAT gateway"
    ),
    Row("network", "subnets", r"internet gateway igw-\w+, and tasks have no public addresses", "assign_public_ip"),
    Row("network", "names", r"vpc-\w+ has no name server", "--enable-dns-support"),
    Row("runs", "late runs", r"1 run is late, the first .* was due \d+ s ago: the work pool is paused", "resume"),
    Row("runs", "log group", r"there is no log group /data-flows/", "aws logs create-log-group"),
    Row("runs", "task events", r"about 110 events wait in data-flows-", "look at the worker"),
    Row("runs", "unread task events", r"about 10 events in .*-dead could not be read", "start-message-move-task"),
    Row("runs", "alarms", r"-dead-task-events rings: The worker could not read", "mend what it says"),
    Row("GitHub", "workflows", r"does not take repo:example/moved:environment:\w+ and repo:", "--github-repository"),
]


def test_all_is_well_where_nothing_is_broken(well: Found) -> None:
    told = {key: {item.verdict for item in items} for key, items in well.items()}

    assert {key for key, verdicts in told.items() if verdicts != {"pass"}} == UNKNOWN
    assert len(told) > 25


def test_it_only_reads(well: Found, way: Proxy, asked: list[str]) -> None:
    assert well
    assert way.writes == []
    assert {"GetRole", "DescribeAlarms", "GetTemplate", "DescribeRouteTables", "GetQueueAttributes"} <= set(asked)
    assert [name for name in asked if not re.match("Describe|List|Get", name)] == []


def test_an_environment_that_was_made_by_hand_lacks_stacks_and_nothing_else(sickbay: Sickbay, well: Found) -> None:
    assert well
    role = names.role(sickbay.name, "execution")
    settings = {"PREFECT_API_URL": sickbay.way, "WORK_POOL": sickbay.pool, "AWS_ACCOUNT_ID": "000000000000"}
    settings |= {"EXECUTION_ROLE": role, "TASK_ROLE": role, "LAKE_URL": "s3://ours/lake"}
    found = sickbay.look("ByHand", LOG_GROUP=names.log_group(sickbay.name), **settings)

    told = {what: item for (_, what), items in found.items() for item in items if item.verdict != "pass"}
    assert told.keys() == {
        "blob mounting",
        "stacks",
        "job template",
        "secrets",
        "task events",
        "unread task events",
        "alarms",
        "workflows",
    }
    assert told["stacks"].found == "there are none: it was made by hand, or not yet"
    assert told["alarms"].found == "not looked at, for want of a stack data-flows-ByHand-run"
    assert told["secrets"].found == "hello: there is no parameter /DataFlows/ByHand/hello/TOKEN"
    assert [what for what, item in told.items() if item.verdict == "fail"] == ["secrets"]


def test_a_broken_service_hides_what_the_stacks_should_be_and_nothing_else(sickbay: Sickbay, well: Found) -> None:
    assert well
    make_service(sickbay.home, "broken", {"service.toml": "nonsense"})
    found = sickbay.look()
    shutil.rmtree(sickbay.home / "services" / "broken")

    (files,) = found["flows", "files"]
    assert (files.verdict, files.mend) == ("fail", "make check shows all that is wrong")
    assert files.found.startswith("broken cannot be deployed: ")
    (stack,) = found["stacks", names.stack(sickbay.name, "run")]
    assert stack.found == "CREATE_COMPLETE; what it should be cannot be rendered"
    assert found["flows", "secrets"] == well["flows", "secrets"]
    assert found["flows", "roles"] == well["flows", "roles"]


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: f"{row.what}: {row.found}"[:50])
def test_what_is_broken_is_told_with_its_mend(row: Row, ill: Found) -> None:
    told = [item for (group, what), items in ill.items() for item in items if re.fullmatch(row.what, what)]
    (found,) = [item for item in told if item.group == row.group and re.search(row.found, item.found)]

    assert found.verdict == "fail"
    assert re.search(row.mend, found.mend)


def test_nothing_else_fails_and_nothing_is_hidden(well: Found, ill: Found) -> None:
    assert well.keys() == ill.keys()
    assert sum(item.verdict == "fail" for items in ill.values() for item in items) == len(BROKEN)
    assert [item.what for items in ill.values() for item in items if item.verdict == "unknown"] == [
        "blob mounting",
        "security groups",
    ]
    assert "token" not in json.dumps([item.found + item.mend for items in ill.values() for item in items])


def test_without_a_region_nothing_of_aws_is_looked_at_and_the_files_still_are(sickbay: Sickbay) -> None:
    found = sickbay.look(AWS_REGION="")

    (region,) = found["AWS", "region"]
    assert (region.verdict, region.found) == ("fail", f"AWS_REGION is not set for {sickbay.name}")
    assert found["flows", "files"][0].verdict == "pass"
    for key in (
        ("AWS", "credentials"),
        ("AWS", "settings"),
        ("Prefect", "API"),
        ("flows", "roles"),
        ("runs", "alarms"),
    ):
        (item,) = found[key]
        assert item.verdict == "unknown"
        assert item.found == "not looked at, for want of AWS: region"


def test_every_setting_that_is_wrong_is_told(sickbay: Sickbay) -> None:
    found = sickbay.look(LOG_GROUP="a b", LAKE_URL="ftp://x", PREFECT_API_URL="https://app.prefect.cloud/x")

    assert {item.found.split(" ")[0] for item in found["AWS", "settings"]} == {
        "LOG_GROUP",
        "LAKE_URL",
        "PREFECT_API_URL",
    }
    assert {item.verdict for item in found["AWS", "settings"]} == {"fail"}
    assert found["Prefect", "API"][0].found == "not looked at, for want of AWS: settings"


def test_what_the_process_says_is_looked_at(sickbay: Sickbay) -> None:
    image = f"example/worker@sha256:{'0' * 64}"
    found = sickbay.look(WORK_POOL="nowhere ?", RESULTS_BLOCK="s3-bucket/nowhere", WORKER_IMAGE=image)

    assert found["Prefect", "work pool"][0].found == "there is no work pool nowhere ?"
    assert found["Prefect", "worker"][0].found == "not looked at, for want of Prefect: work pool"
    assert found["Prefect", "results block"][0].found.startswith("there is no block s3-bucket/nowhere")
    assert found["Prefect", "worker's ECS service"][0].verdict == "fail"


def test_nothing_of_another_account_is_looked_at(sickbay: Sickbay) -> None:
    found = sickbay.look(AWS_ACCOUNT_ID="111111111111")

    (account,) = found["AWS", "account"]
    assert (account.verdict, account.mend) == ("fail", "switch profile (AWS_PROFILE), or mend AWS_ACCOUNT_ID")
    assert "belong to account 000000000000; the environment's AWS_ACCOUNT_ID is 111111111111" in account.found
    for key in (("AWS", "settings"), ("stacks", "stacks"), ("Prefect", "API"), ("flows", "roles"), ("runs", "alarms")):
        assert [item.found for item in found[key]] == ["not looked at, for want of AWS: account"]


def test_a_key_that_is_refused_is_told_and_not_shown(sickbay: Sickbay) -> None:
    found = sickbay.look(PREFECT_API_KEY=KEY)

    (api,) = found["Prefect", "API"]
    assert (api.verdict, api.found) == ("fail", f"{sickbay.way} answers and refuses the key")
    assert api.mend == f"store another one: python -m tools secret PREFECT_API_KEY --environment {sickbay.name}"
    assert found["Prefect", "work pool"][0].found == "not looked at, for want of Prefect: API"
    assert found["flows", "roles"][0].found != "not looked at, for want of Prefect: API"
    assert KEY not in str(found)


def denied(request: Request) -> Reply | None:
    """What a deployer may read who has none of the doctor's statements."""
    name = action(request)
    if name in ("GetRole", "GetTemplate", "GetQueueUrl"):
        text = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no {name}</Message></Error></ErrorResponse>"
        return Reply(403, text.encode(), {"content-type": "text/xml"})
    if name == "DescribeSubnets":
        text = "<Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>"
        return Reply(403, f"<Response><Errors>{text}</Errors></Response>".encode(), {"content-type": "text/xml"})
    if name in ("DescribeLogGroups", "DescribeParameters"):
        return Reply(400, b'{"__type": "AccessDeniedException", "message": "no"}')
    return None


def test_what_may_not_be_read_cannot_be_told_and_is_no_failure(sickbay: Sickbay) -> None:
    aws = Proxy(str(sickbay.aws.endpoint), before=denied)
    with aws.serving() as port:
        found = sickbay.look(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")

    for key, needs in {
        ("flows", "roles"): "iam:GetRole",
        ("flows", "secrets"): "ssm:DescribeParameters",
        ("stacks", "data-flows-account"): "cloudformation:GetTemplate",
        ("runs", "log group"): "logs:DescribeLogGroups",
    }.items():
        (item,) = found[key]
        assert (item.verdict, item.found) == ("unknown", f"these credentials may not look at it: needs {needs}")
    assert found["flows", "releases"][0].verdict == "fail"
