"""CloudFormation as the stages rely on it.

Neither emulator makes an identity provider by a stack: moto leaves it out and makes the rest of
the account's stack.
"""

from __future__ import annotations

import ast
import json
import time

import pytest

from tools.clients.aws import session
from tools.clients.cloudformation import CloudFormation
from tools.clients.foundations import Foundations
from tools.errors import RemoteError
from tools.model.stacks import StandingStack
from tools.settings import Connection
from tools.stacks.account import account_stack
from tools.stacks.inputs import Place
from tools.stacks.template import Stack
from tools.tests.proxy import Proxy, Reply
from tools.tests.samples import unique
from tools.tests.servers import EMULATORS
from tools.tests.stack_inputs import REPOSITORY, inputs, of_kind

XML = {"content-type": "text/xml"}
TAGS = {"data-flows:environment": "Dev"}


@pytest.fixture
def stacks(ministack: Connection) -> CloudFormation:
    """CloudFormation of the emulator that keeps what a stack says; the other one drops half of it."""
    return CloudFormation(ministack, 0.05)


def queue(name: str, seconds: int = 60) -> dict[str, str]:
    """The template of a queue."""
    properties = {"QueueName": name, "MessageRetentionPeriod": seconds}
    return {"TemplateBody": json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties}}})}


def ended(stacks: CloudFormation, name: str) -> StandingStack:
    """A stack when it has ended."""
    for _ in range(200):
        found = stacks.stack(name)
        assert found
        if not found.status.endswith("_IN_PROGRESS"):
            return found
        time.sleep(0.05)
    pytest.fail("it did not end")


def made(stacks: CloudFormation, name: str, template: dict[str, str]) -> StandingStack:
    """A stack that was made."""
    assert stacks.prepare(name, template, TAGS, new=True)
    stacks.execute(name)
    return ended(stacks, name)


def test_what_is_prepared_can_be_discarded_and_leaves_nothing(stacks: CloudFormation) -> None:
    name = unique("stack")
    (change,) = stacks.prepare(name, queue(name), TAGS, new=True)
    assert (change.action, change.logical, change.kind) == ("Add", "Queue", "AWS::SQS::Queue")

    stacks.discard_prepared()

    assert stacks.stack(name) is None
    assert stacks.template(name) == {}


def test_a_stack_is_made_and_tells_its_template_and_events(stacks: CloudFormation) -> None:
    name = unique("stack")
    found = made(stacks, name, queue(name))

    assert (found.name, found.status, found.sound) == (name, "CREATE_COMPLETE", True)
    assert stacks.template(name) == json.loads(queue(name)["TemplateBody"])
    events = stacks.events(found.id)
    assert (events[-1].physical, events[-1].status) == (found.id, "CREATE_COMPLETE")
    assert [event.id for event in stacks.events(found.id, events[1].id)] == [event.id for event in events[2:]]
    assert stacks.events(found.id, events[-1].id) == []


def test_a_change_is_told_and_made_and_no_change_is_none(stacks: CloudFormation) -> None:
    name = unique("stack")
    made(stacks, name, queue(name))

    (change,) = stacks.prepare(name, queue(name, 120), TAGS, new=False)
    assert (change.action, change.logical) == ("Modify", "Queue")
    stacks.execute(name)
    assert ended(stacks, name).status == "UPDATE_COMPLETE"
    assert stacks.prepare(name, queue(name, 120), TAGS, new=False) == []


def test_a_protected_stack_says_so_and_is_not_deleted(stacks: CloudFormation) -> None:
    name = unique("stack")
    made(stacks, name, queue(name))
    stacks.protect(name)

    found = stacks.stack(name)
    assert found
    assert found.protected
    with pytest.raises(RemoteError, match="TerminationProtection"):
        stacks.delete(name)


def test_a_deleted_stack_is_known_by_its_id(stacks: CloudFormation) -> None:
    name = unique("stack")
    found = made(stacks, name, queue(name))
    stacks.delete(name)
    stacks.gone(found)

    assert stacks.stack(name) is None
    assert [event.status for event in stacks.events(found.id) if event.physical == found.id][-1] == "DELETE_COMPLETE"


def answering(status: int, code: str, times: int) -> Proxy:
    """What answers so for the first requests, and then that there is no such stack."""
    absent = Reply(400, _error("ValidationError", "Stack with id x does not exist"), XML)
    left = iter([Reply(status, _error(code, "said"), XML)] * times)
    return Proxy(None, before=lambda _: next(left, absent))


def _error(code: str, message: str) -> bytes:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode()


def test_a_template_is_waited_for_and_where_it_may_not_be_read_the_missing_right_is_named() -> None:
    busy, denied = answering(400, "Throttling", 2), answering(403, "AccessDenied", 1)

    with busy.serving() as port:
        assert CloudFormation(Connection("us-east-1", f"http://127.0.0.1:{port}")).template("x") == {}
    with (
        denied.serving() as port,
        pytest.raises(RemoteError, match=r"does not allow .* \(cloudformation:GetTemplate\)"),
    ):
        CloudFormation(Connection("us-east-1", f"http://127.0.0.1:{port}")).template("x")

    assert (len(busy.requests), len(denied.requests)) == (3, 1)


def test_a_template_that_cannot_be_is_told_in_one_line(stacks: CloudFormation) -> None:
    name = unique("stack")

    with pytest.raises(RemoteError) as refused:
        stacks.prepare(name, {"TemplateBody": '{"Resources": '}, TAGS, new=True)
    stacks.discard_prepared()

    assert "CreateChangeSet" in refused.value.message
    assert "\n" not in refused.value.message
    assert stacks.stack(name) is None


def test_the_account_s_stack_makes_a_deployer(moto: Connection) -> None:
    name = unique("E").replace("-", "")
    account = session(moto).client("sts", endpoint_url=moto.endpoint).get_caller_identity()["Account"]
    wanted = account_stack(inputs(place=Place(name, "aws", moto.region, account)), REPOSITORY, {})
    iam = session(moto).client("iam", endpoint_url=moto.endpoint)

    found = made(CloudFormation(moto, 0.05), unique("account"), {"TemplateBody": wanted.body})

    assert found.status == "CREATE_COMPLETE"
    role = iam.get_role(RoleName=f"data-flows-{name}-deployer")["Role"]
    policy: object = iam.get_role_policy(RoleName=role["RoleName"], PolicyName="allowed")["PolicyDocument"]
    told = ast.literal_eval(str(policy))  # moto tells it in Python's words
    assert (role["AssumeRolePolicyDocument"], told) == _documents(wanted, name)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_provider_is_found_whoever_made_it(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    iam = session(connection).client("iam", endpoint_url=connection.endpoint)
    issuer = f"{unique('issuer')}.example.com"
    assert not Foundations(connection).has_provider(issuer)
    made_one = iam.create_open_id_connect_provider(
        Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )

    assert Foundations(connection).has_provider(issuer)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made_one["OpenIDConnectProviderArn"])


def _documents(stack: Stack, environment: str) -> tuple[object, object]:
    properties = of_kind("IAM::Role", stack)[f"Deployer{environment}"]
    return properties["AssumeRolePolicyDocument"], properties["Policies"][0]["PolicyDocument"]
