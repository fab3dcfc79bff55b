"""Stacks in whatever state they may be found, on an emulator: what is refused, what is gone on with, what is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tools.clients.aws import Caller
from tools.clients.cloudformation import CloudFormation
from tools.clients.foundations import Foundations
from tools.desired.fingerprint import of_base
from tools.environment.bootstrap import Account, gather, reach
from tools.environment.stacks import carry_out, prepared, prepared_deletion
from tools.errors import RemoteError, UserError
from tools.model import names
from tools.settings import Connection
from tools.stacks.inputs import Inputs, Place, ServiceRoles
from tools.tests.proxy import Proxy, Reply, Request
from tools.tests.repositories import make_base, make_service
from tools.tests.samples import unique
from tools.tests.servers import put_image
from tools.tests.stack_inputs import inputs
from tools.tests.standing import Standing

ACCOUNT = "000000000000"


class Site:
    """An environment that no other test uses."""

    def __init__(self, aws: Connection) -> None:
        self.name = unique("Env").replace("-", "")
        self.aws, self.standing = aws, Standing(aws, self.name)
        ec2 = self.standing.client("ec2")
        self.vpc: str = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = tuple(item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2])

    def account(self, aws: Connection | None = None) -> Account:
        """The account, perhaps reached by another way."""
        aws = aws or self.aws
        return Account(self.name, aws, Caller(ACCOUNT, "aws"), {}, CloudFormation(aws, 0.05), Foundations(aws))

    def inputs(self, **changes: Any) -> Inputs:
        """A small environment."""
        bare = inputs(credential=None, worker_image=None, alarm_topic=None, repository=None)
        place = Place(self.name, "aws", self.aws.region, ACCOUNT)
        services = (ServiceRoles("hello"),)
        return replace(bare, place=place, vpc=self.vpc, subnets=self.subnets, **{"services": services, **changes})

    def make(self, **changes: Any) -> list[str]:
        """Makes it; gives what was told."""
        told: list[str] = []
        account = self.account()
        with prepared(account, self.inputs(**changes)) as items:
            carry_out(account, items, lambda subject, doing: told.append(f"{subject}: {doing}"))
        return told


@pytest.fixture
def site(ministack: Connection) -> Site:
    """An environment that no other test uses."""
    return Site(ministack)


@pytest.fixture(scope="module")
def made(ministack: Connection) -> Site:
    """One that is made already, and that no test changes."""
    site = Site(ministack)
    site.make()
    return site


@contextmanager
def answering(site: Site, before: str, after: str) -> Iterator[Account]:
    """The account, whose stacks seem to be in another state than they are."""

    def changed(_: Request, reply: Reply) -> Reply:
        status, body = b"<StackStatus>%s</StackStatus>", reply.body
        assert isinstance(body, bytes)
        return replace(reply, body=body.replace(status % before.encode(), status % after.encode()))

    proxy = Proxy(str(site.aws.endpoint), after=changed)
    with proxy.serving() as port:
        yield site.account(Connection(site.aws.region, f"http://127.0.0.1:{port}"))


def test_a_look_that_is_broken_off_leaves_nothing(site: Site) -> None:
    def look() -> NoReturn:
        with prepared(site.account(), site.inputs()) as items:
            assert [item.ready for item in items] == [True, True]
            assert site.standing.stack("run")["StackStatus"] == "REVIEW_IN_PROGRESS"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look()

    assert site.standing.stack("data") == site.standing.stack("run") == {}


def test_what_a_killed_look_left_is_replaced(site: Site) -> None:
    killed = site.account()
    killed.stacks.prepare(
        names.stack(site.name, "run"), {"TemplateBody": '{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}'}, {}, new=True
    )

    site.make()

    assert site.standing.stack("run")["StackStatus"] == "CREATE_COMPLETE"


def test_a_creation_that_failed_is_told_and_gone_on_with(site: Site) -> None:
    by_hand = f"/DataFlows/{site.name}/WORK_POOL"
    parameters = site.standing.client("ssm")
    parameters.put_parameter(Name=by_hand, Value="x", Type="String")
    with pytest.raises(RemoteError) as failed:
        site.make()
    parameters.delete_parameter(Name=by_hand)

    assert failed.value.message.startswith(f"data-flows-{site.name}-run: parameter {by_hand}: ")
    assert "CloudFormation left it in ROLLBACK_COMPLETE" in failed.value.hint
    assert site.standing.stack("run")["StackStatus"] == "ROLLBACK_COMPLETE"
    with prepared(site.account(), site.inputs()) as items:
        data, run = [item.steps for item in items]
    assert (data.verb, run.verb) == ("unchanged", "create")
    assert "removed first" in run.note
    assert site.standing.stack("run")["StackStatus"] == "ROLLBACK_COMPLETE", "a look changes nothing"

    told = site.make()

    assert f"data-flows-{site.name}-run: removing what a creation that failed left" in told
    assert site.standing.stack("run")["StackStatus"] == "CREATE_COMPLETE"
    assert site.standing.stack("data")["EnableTerminationProtection"] is True


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        ("UPDATE_IN_PROGRESS", "is being changed, by somebody else or by a run that was stopped", "has ended"),
        ("UPDATE_ROLLBACK_FAILED", "cannot be changed, it is in UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "cannot be changed, it is in DELETE_FAILED", "delete it first"),
    ],
)
def test_a_stack_that_cannot_be_changed_is_refused_before_anything_is_prepared(
    made: Site, status: str, message: str, hint: str
) -> None:
    with (
        answering(made, "CREATE_COMPLETE", status) as account,
        pytest.raises(UserError) as refused,
        prepared(account, made.inputs(prefect_api_url="https://other.example.com/api")),
    ):
        pytest.fail("it was prepared")

    assert message in refused.value.message
    assert hint in refused.value.hint
    change_sets = made.standing.client("cloudformation").list_change_sets(StackName=f"data-flows-{made.name}-run")
    assert not [item for item in change_sets["Summaries"] if item["ExecutionStatus"] == "AVAILABLE"]


def test_a_stack_that_is_being_changed_is_not_deleted(made: Site) -> None:
    with (
        answering(made, "CREATE_COMPLETE", "UPDATE_IN_PROGRESS") as account,
        pytest.raises(UserError, match="is being changed"),
        prepared_deletion(account),
    ):
        pytest.fail("it was prepared")


def test_a_bucket_of_this_account_that_no_stack_has_is_told(site: Site) -> None:
    bucket = site.inputs().place.bucket
    site.standing.client("s3").create_bucket(Bucket=bucket)

    with pytest.raises(UserError) as refused, prepared(site.account(), site.inputs()):
        pytest.fail("it was prepared")

    assert refused.value.message == f"the bucket's name {bucket} is taken: this account has it, outside of the stack"


def test_a_bucket_of_another_account_is_told(site: Site) -> None:
    bucket = site.inputs().place.bucket
    proxy = Proxy(
        str(site.aws.endpoint), before=lambda request: Reply(403, b"", {}) if request.method == "HEAD" else None
    )

    with proxy.serving() as port:
        account = site.account(Connection(site.aws.region, f"http://127.0.0.1:{port}"))
        with (
            pytest.raises(UserError, match=f"{bucket} is taken: another account has it"),
            prepared(account, site.inputs()),
        ):
            pytest.fail("it was prepared")


def test_more_services_than_a_request_holds_go_through_the_bucket(site: Site) -> None:
    many = tuple(ServiceRoles(f"service-{number}") for number in range(50))
    with prepared(site.account(), site.inputs(services=many)) as items:
        assert len(items[1].stack.body) > 51_200
        assert "too large to be sent" in items[1].steps.note

    site.make(services=many)

    assert len(site.standing.roles()) == 52
    key = f"cloudformation/data-flows-{site.name}-run.json"
    assert site.standing.client("s3").head_object(Bucket=site.inputs().place.bucket, Key=key)
    with prepared(site.account(), site.inputs(services=many)) as items:
        assert [item.steps.verb for item in items] == ["unchanged", "unchanged"]


def test_what_is_missing_is_asked_for_and_only_that(site: Site, tmp_path: Path) -> None:
    make_service(tmp_path, "hello")
    answers: dict[str, str] = {"VPC": site.vpc, "SUBNETS": ",".join(site.subnets)}
    asked: list[str] = []

    def ask(name: str, _: str) -> str:
        asked.append(name)
        return answers[name]

    made = gather(
        tmp_path,
        site.account(),
        {"PREFECT_API_URL": "https://prefect.example.com/api", "WORKER_IMAGE": "none"},
        {},
        ask,
    )

    assert asked == ["VPC", "SUBNETS"]
    assert (made.vpc, made.subnets, made.credential) == (site.vpc, site.subnets, None)
    assert made.services == (ServiceRoles("hello"),)


def test_a_name_that_differs_from_another_environment_s_by_capitals_alone_is_refused(
    site: Site, made: Site, tmp_path: Path
) -> None:
    path, parameters = f"/DataFlows/{site.name.swapcase()}/hello/SOURCE_URL", site.standing.client("ssm")
    parameters.put_parameter(Name=path, Value="canary", Type="SecureString")
    first = f"/DataFlows/{made.name}/AWS_ACCOUNT_ID"

    for name, found in {site.name: path, made.name.swapcase(): first}.items():
        with pytest.raises(UserError) as refused:
            gather(tmp_path, replace(site.account(), environment=name), {}, {}, None)
        other = name.swapcase()
        assert refused.value.message == (
            f"the environment {name} would share names with {other}, of which there is the parameter {found}"
        )
    parameters.delete_parameter(Name=path)


def test_nor_may_it_where_the_other_one_only_keeps_its_data(site: Site, tmp_path: Path) -> None:
    other = names.stack(site.name.swapcase(), "data")
    site.standing.client("cloudformation").create_stack(
        StackName=other, TemplateBody='{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}'
    )

    with pytest.raises(UserError, match=f"of which there is the stack {other}"):
        gather(tmp_path, site.account(), {}, {}, None)


def test_where_nothing_is_said_the_worker_is_the_repository_s_own_and_can_be_looked_at_before_it_is_pushed(
    site: Site, tmp_path: Path
) -> None:
    make_service(tmp_path, "hello")
    make_base(tmp_path, {"of": unique("test")})
    said = {"VPC": site.vpc, "SUBNETS": ",".join(site.subnets), "PREFECT_API_URL": "https://p.example.com/api"}
    account = replace(site.account(), own_registry="registry.test")

    looked_at = gather(tmp_path, account, said, {}, None)
    with prepared(account, looked_at) as items:
        assert "ECS service worker" in [step.subject for step in items[1].steps.steps]
    version = of_base(tmp_path).value
    assert looked_at.worker_image == f"registry.test/data-flows/worker:{version}"
    assert looked_at.worker_image_told is None

    account.ecr.ensure("data-flows/worker")
    put_image(site.aws, "data-flows/worker", version)
    found = gather(tmp_path, account, said, {}, None)
    assert found.worker_image == f"registry.test/data-flows/worker@{account.ecr.digest('data-flows/worker', version)}"
    for told, image in {"none": None, f"other@sha256:{'0' * 64}": f"other@sha256:{'0' * 64}"}.items():
        found = gather(tmp_path, account, {**said, "WORKER_IMAGE": told}, {}, None)
        assert (found.worker_image, found.worker_image_told) == (image, told)


def test_a_vpc_of_another_region_is_told(site: Site, tmp_path: Path) -> None:
    make_service(tmp_path, "hello")
    said = {"VPC": "vpc-ffffffff", "SUBNETS": ",".join(site.subnets), "PREFECT_API_URL": "https://p.example.com/api"}

    with pytest.raises(UserError, match="the VPC vpc-ffffffff is not in us-east-1, or not in this account"):
        gather(tmp_path, site.account(), said, {}, None)


def test_credentials_of_another_account_are_refused(site: Site) -> None:
    variables = {"AWS_ENDPOINT_URL": str(site.aws.endpoint), "AWS_REGION": "us-east-1", "AWS_ACCOUNT_ID": "1" * 12}

    with pytest.raises(UserError, match="the AWS credentials belong to account 000000000000"):
        reach(site.name, variables, Path("/nowhere"))


def test_local_stands_on_the_local_cloud_alone_and_a_broken_service_does_not_keep_it_from_starting(
    site: Site, tmp_path: Path
) -> None:
    make_service(tmp_path, "hello")
    make_service(tmp_path, "broken", {"service.toml": "nonsense"})
    local = replace(site.account(), environment="Local")
    elsewhere = {"PREFECT_API_URL": "https://prod.example.com/api", "VPC": "vpc-ffffffff", "WORK_POOL": "prod"}

    made = gather(tmp_path, local, {}, {**elsewhere, "PREFECT_PORT": "4321"}, None)

    assert made.prefect_api_url == "http://127.0.0.1:4321/api"
    assert (made.vpc, made.work_pool, made.emulated) == (site.vpc, "data-flows", True)
    assert set(made.subnets) >= set(site.subnets)
    assert made.services == (ServiceRoles("hello"),)
    with pytest.raises(UserError, match="Local takes no --vpc, --work-pool"):
        gather(tmp_path, local, {"VPC": site.vpc, "WORK_POOL": "x"}, {}, None)
