"""What the facts mean: each thing that a run needs, right and wrong, with the mend."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools.doctor import aws, flows, github, machine, network, prefect, runs
from tools.doctor.commands import make, make_it
from tools.doctor.flows import Pointed
from tools.doctor.machine import Clocks
from tools.doctor.network import Where
from tools.model.credential import AUTH_STRING, KEY, CredentialName
from tools.model.events import Waiting
from tools.model.findings import Check, Finding
from tools.model.health import Api, LateRun, StandingPool, Worker
from tools.model.network import Endpoint, Network, Route
from tools.model.observed import Running
from tools.model.stacks import StandingStack
from tools.stacks.account import ISSUER
from tools.stacks.template import Stack
from tools.tests.samples import draft
from tools.tests.stack_inputs import of_kind, stacks

CHECK = Check("group", "what")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
URL = "https://prefect.example.com/api"
POOL = StandingPool("pool", "ecs", False, None, {})
ALIVE = Worker("one", True, NOW - timedelta(seconds=7))
DEAD = Worker("two", False, NOW - timedelta(minutes=50))
RUN = LateRun("r", "merry-otter", NOW - timedelta(hours=3))


def clocks(seconds: float) -> list[Clocks]:
    """This machine's clock, so many seconds ahead of AWS's; the other server's is right."""
    ahead = NOW + timedelta(seconds=seconds)
    return [Clocks("AWS", ahead, NOW), Clocks("the Prefect API", NOW, NOW)]


def pointed(**changes: Any) -> Pointed:
    """What a deployment points at."""
    return replace(Pointed("x/daily", "x", "data-flows-Dev-x:3", True, draft("x")), **changes)


DATA = stacks()[0]
CHANGED = Stack(DATA.name, {**DATA.template, "Description": "another"})


def stack(status: str, template: Any = DATA.template, wanted: Stack | None = DATA) -> Iterable[Finding]:
    """A stack in a state."""
    return aws.stack(CHECK, "Dev", StandingStack(DATA.name, "id", status, "why"), template, wanted)


def late(pool: StandingPool = POOL, worker: Worker = ALIVE) -> Iterable[Finding]:
    """A late run."""
    return prefect.late(CHECK, [RUN], pool, [worker], NOW)


def api(shown: CredentialName | None, *, lets_in: bool) -> Iterable[Finding]:
    """An API that answered."""
    return prefect.api(CHECK, URL, Api(lets_in, NOW), shown, "Dev")


TRUST = of_kind("IAM::Role")["DeployerDev"]["AssumeRolePolicyDocument"]
LITERAL = {"Statement": {"Condition": {"StringEquals": {f"{ISSUER}:sub": ["repo:example/data-flows:*"]}}}}
BY_NAME = {"Statement": {"Condition": {"StringLike": {f"{ISSUER}:sub": ["repo:example/data-flows:*"]}}}}
ANY_NAME = {"Statement": [{"Condition": {"StringLike": {f"{ISSUER}:sub": "repo:example*/data-flows*:*"}}}]}
ORIGIN = "git@github.com:example/data-flows.git"


def workflows(trust: Any = TRUST, origin: str = ORIGIN) -> Iterable[Finding]:
    """Who may take the deployer's role."""
    return github.subject(CHECK, "Dev", trust, origin, "deployer")


#: What is right: the findings, what they say.
RIGHT = [
    (machine.clock(CHECK, clocks(0)), "as AWS's, as the Prefect API's"),
    (machine.clock(CHECK, clocks(-40)), "40 s behind AWS's, as the Prefect API's"),
    (machine.clock(CHECK, clocks(299)), "299 s ahead of AWS's"),
    (machine.packages(CHECK, {"a": frozenset({"1"}), "b": frozenset({"2", ""})}, {"a": "1"}), "2 packages"),
    (aws.region(CHECK, "eu-west-1", ["eu-west-1"]), "has ECS"),
    (aws.account(CHECK, "1", "1"), "the environment's"),
    (stack("UPDATE_COMPLETE"), "UPDATE_COMPLETE, as the repository renders it"),
    (stack("UPDATE_ROLLBACK_COMPLETE"), "as the repository renders it"),
    (aws.blob_mounting(CHECK, True, "Dev"), "on: "),
    (api(KEY, lets_in=True), f"{URL} answers and lets us in with the key"),
    (api(AUTH_STRING, lets_in=True), "lets us in with the user and password"),
    (api(None, lets_in=True), "lets us in as everybody"),
    (prefect.version(CHECK, "3.9.0", "3.8.8"), "3.9.0"),
    (prefect.version(CHECK, "3.8.1+12.gabc", "3.8.8"), "3.8.1"),
    (prefect.pool(CHECK, "pool", POOL, "make up"), "pool, of the type ecs"),
    (prefect.template(CHECK, {"a": {"b": [1]}}, {"a": {"b": [1]}}, "x"), "as it is rendered"),
    (prefect.worker(CHECK, [DEAD, ALIVE], NOW, "x"), "one, heard of 7 s ago"),
    (prefect.service(CHECK, Running(1, 1), "Dev"), "1 of 1 tasks run"),
    (prefect.results(CHECK, "s3-bucket/r", "own/results", "own", "x"), "stands for own/results"),
    (prefect.results(CHECK, "s3-bucket/r", "any", None, "x"), "stands for any"),
    (prefect.late(CHECK, [], POOL, [], NOW), "none is late"),
    (flows.secrets(CHECK, {}, [], "Dev"), "no flow has any"),
    (
        flows.secrets(CHECK, {"x": {"A": "/a", "B": "/b"}, "y": {"A": "/a"}}, ["/c"], "Dev"),
        "2 parameters of 2 flows, all there",
    ),
    (flows.roles(CHECK, {"r": {"x", "y"}}, {"r": True}, "Dev"), "1 role of 2 flows, all there"),
    (flows.releases(CHECK, [pointed()], "Dev"), "1 deployment, each points at an active release"),
    (flows.releases(CHECK, [], "Dev"), "nothing is deployed yet: make deploy ENVIRONMENT=Dev"),
    (flows.images(CHECK, [pointed(), pointed(deployment="x/other")], "Dev"), "1 image, all there"),
    (flows.images(CHECK, [pointed(known=None)], "Dev"), "nothing is deployed yet"),
    (runs.events(CHECK, "q", Waiting(100, 3), "Dev"), "about 100 wait, 3 are being read"),
    (runs.dead_events(CHECK, "q", Waiting(0, 0), "Dev"), "none"),
    (runs.alarms(CHECK, {}), "none rings"),
    (runs.log_group(CHECK, "/x", there=True), "/x"),
    (workflows(), "takes workflows of example/data-flows, id 987654321, in GitHub's environment Dev"),
    (workflows(origin="https://someone:secret@github.com/example/data-flows"), "takes workflows of example/data-flows"),
    (workflows(origin="ssh://git@github.com/example/data-flows.git"), "takes workflows of example/data-flows"),
]
#: What is wrong: the findings, what they say, the mend.
WRONG = [
    (machine.clock(CHECK, clocks(301)), "301 s ahead of AWS's; AWS refuses", "timedatectl"),
    (machine.clock(CHECK, clocks(-4000)), "4000 s behind AWS's", "timedatectl"),
    (
        machine.packages(CHECK, {"a": frozenset({"1"}), "b": frozenset({"2", ""})}, {"b": "3"}),
        "a none instead of 1, b 3 instead of 2",
        "make setup",
    ),
    (
        machine.packages(CHECK, {f"p{number}": frozenset({"1"}) for number in range(9)}, {}),
        "p2 none instead of 1 and 6 more",
        "make setup",
    ),
    (aws.stack(CHECK, "Dev", None, {}, DATA), "there is none", "make bootstrap ENVIRONMENT=Dev"),
    (stack("REVIEW_IN_PROGRESS"), "there is none", "make bootstrap"),
    (stack("ROLLBACK_COMPLETE"), "it is in ROLLBACK_COMPLETE: why", "make bootstrap ENVIRONMENT=Dev says what helps"),
    (stack("DELETE_FAILED"), "it is in DELETE_FAILED", "says what helps"),
    (stack("CREATE_COMPLETE", wanted=CHANGED), "the repository would change it: Description", "YES=1 makes them"),
    (
        stack("CREATE_COMPLETE", template={**DATA.template, "Resources": {}}),
        r"bucket data-flows-\S+, bucket policy, log group /data-flows/Dev",
        "YES=1",
    ),
    (aws.blob_mounting(CHECK, False, "Dev"), "it is off", "make bootstrap ENVIRONMENT=Dev YES=1"),
    (api(KEY, lets_in=False), "refuses the key", "python -m tools secret PREFECT_API_KEY --environment Dev"),
    (api(AUTH_STRING, lets_in=False), "refuses the user and password", "secret PREFECT_API_AUTH_STRING --env"),
    (api(None, lets_in=False), r"wants a key \(PREFECT_API_KEY\) or a user .*, and there is none", "secret NAME --env"),
    (prefect.version(CHECK, "2.20.1", "3.8.8"), "do not understand each other", "give the server Prefect 3"),
    (prefect.version(CHECK, "3.7.9", "3.8.8"), "a later one, 3.8.8", "upgrade the server to 3.8.8"),
    (prefect.pool(CHECK, "pool", None, "make up"), "there is no work pool pool", "make up"),
    (prefect.pool(CHECK, "pool", replace(POOL, type="docker"), "x"), "of the type docker", "WORK_POOL"),
    (prefect.pool(CHECK, "pool", replace(POOL, paused=True), "x"), "nothing of it starts", "work-pool resume 'pool'"),
    (prefect.template(CHECK, {"a": {"b": [2]}}, {"a": {"b": [1]}}, "mend"), r"rendered: a.b \[1\] → \[2\]", "mend"),
    (prefect.template(CHECK, {}, {"a": 1, "b": 2, "c": 3, "d": 4}, "mend"), "and 1 more", "mend"),
    (prefect.worker(CHECK, [], NOW, "start one"), "never heard of one", "start one"),
    (prefect.worker(CHECK, [DEAD], NOW, "start one"), "the last was heard of 50 min ago", "start one"),
    (prefect.service(CHECK, None, "Dev"), "no ECS service `worker`", "make bootstrap"),
    (
        prefect.service(CHECK, Running(1, 0, ("unable to pull",)), "Dev"),
        "0 of 1 .*: unable to pull",
        "in /data-flows/Dev why",
    ),
    (prefect.service(CHECK, Running(0, 0), "Dev"), "0 of 0 tasks run", "in /data-flows/Dev why"),
    (prefect.results(CHECK, "s3-bucket/r", None, "own", "make it"), "there is no block s3-bucket/r", "make it"),
    (prefect.results(CHECK, "s3-bucket/r", "owner/x", "own", "make it"), "the environment's bucket is own", "make it"),
    (late(replace(POOL, paused=True)), r"\(merry-otter\) was due on 2026|180 min ago: the work pool is pau", "resume"),
    (late(worker=DEAD), "no worker is alive", "see the line of the worker"),
    (late(replace(POOL, limit=2)), "the pool lets 2 go at once", "set-concurrency-limit 'pool' N"),
    (late(), "a worker is alive, and does not take them up", "worker's log"),
    (
        flows.secrets(CHECK, {"x": {"A": "/a", "B": "/b"}}, ["/b"], "Dev"),
        "x: there is no parameter /b",
        "python -m tools secret B --flow x --environment Dev",
    ),
    (
        flows.secrets(CHECK, {"x": {"PREFECT_API_KEY": "/k"}}, ["/k"], "Dev"),
        "x: there is no parameter /k",
        "python -m tools secret PREFECT_API_KEY --environment Dev",
    ),
    (
        flows.roles(CHECK, {"r": set("abcde")}, {"r": False}, "Dev"),
        "no role r, .* of a, b, c and 2 more",
        "make bootstrap",
    ),
    (
        flows.releases(CHECK, [pointed(active=False)], "Dev"),
        "x/daily points at data-flows-Dev-x:3, which",
        "deploy-flow NAME=x ENVIRONMENT=Dev",
    ),
    (
        flows.images(CHECK, [pointed(has_image=False)], "Dev"),
        "x/daily runs data-flows-Dev-x:3, whose image",
        "deploy-flow NAME=x ENVIRONMENT=Dev",
    ),
    (runs.events(CHECK, "q", None, "Dev"), "there is no queue q", "make bootstrap ENVIRONMENT=Dev YES=1"),
    (runs.events(CHECK, "q", Waiting(101, 0), "Dev"), "about 101 events wait in q", "look at the worker"),
    (runs.dead_events(CHECK, "q", None, "Dev"), "there is no queue q", "make bootstrap ENVIRONMENT=Dev YES=1"),
    (runs.dead_events(CHECK, "q", Waiting(1, 0), "Dev"), "about 1 events in q could not", "start-message-move-task"),
    (runs.alarms(CHECK, {"a": "why"}), "a rings: why", "mend what it says"),
    (runs.log_group(CHECK, "/x", there=False), "there is no log group /x", "create-log-group --log-group-name /x"),
    (
        workflows(origin="https://github.com/example/other.git"),
        "does not take repo:example/other:environment:Dev",
        "boo",
    ),
    (workflows(trust={"Statement": []}), "it takes nobody of GitHub", "make bootstrap ENVIRONMENT=Dev"),
    (workflows(trust=LITERAL), r"not take repo:example/data-flows:environment:Dev and repo:", "--github-repository-id"),
    (workflows(trust=BY_NAME), r"not take repo:example@1/data-flows@1:environment:Dev, as", "--github-repository-id"),
    (workflows(trust=ANY_NAME), "by its name alone", "--github-repository-id"),
]
#: What cannot be told: the findings, what they say.
UNKNOWN = [
    (machine.clock(CHECK, []), "nobody who answered"),
    (aws.region(CHECK, "eu-nowhere-1", ["eu-west-1"]), "not among the regions"),
    (aws.account(CHECK, "1", None), "does not say which one is its own"),
    (stack("UPDATE_IN_PROGRESS"), "it is being changed: UPDATE_IN_PROGRESS"),
    (stack("CREATE_COMPLETE", wanted=None), "cannot be rendered"),
    (aws.blob_mounting(CHECK, None, "Dev"), "knows no such setting"),
    (aws.by_hand(CHECK, "Dev"), "made by hand, or not yet"),
    (prefect.version(CHECK, "main", "3.8.8"), "the server says 'main'"),
    (workflows(trust=None), "no workflow deploys to Dev"),
    (workflows(origin=""), "not on GitHub"),
    (workflows(origin="git@gitlab.com:example/data-flows.git"), "not on GitHub"),
]


@pytest.mark.parametrize(("found", "says"), RIGHT, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_right_passes_and_needs_no_mend(found: Iterable[Finding], says: str) -> None:
    (finding,) = found

    assert (finding.group, finding.what, finding.verdict, finding.mend) == ("group", "what", "pass", "")
    assert says in finding.found
    assert "secret" not in finding.found


@pytest.mark.parametrize(("found", "says", "mend"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_fails_with_its_mend(found: Iterable[Finding], says: str, mend: str) -> None:
    (finding,) = found

    assert finding.verdict == "fail"
    assert re.search(says, finding.found)
    assert mend in finding.mend


@pytest.mark.parametrize(("found", "says"), UNKNOWN, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be_told_is_no_failure(found: Iterable[Finding], says: str) -> None:
    (finding,) = found

    assert finding.verdict == "unknown"
    assert says in finding.found


NAT, IGW, LOCAL = Route("0.0.0.0/0", "nat-1"), Route("0.0.0.0/0", "igw-1"), Route("10.0.0.0/16", "local")
GATEWAY, INTERFACES = (
    Endpoint("vpce-s3", "s3", True),
    [Endpoint(f"vpce-{name}", name, True, True, ("subnet-1",)) for name in ("ecr.api", "ecr.dkr", "ssm", "logs")],
)
TO_S3 = Route("pl-1", "vpce-s3")


@pytest.mark.parametrize(
    ("routes", "endpoints", "public", "verdict", "says"),
    [
        ([LOCAL, NAT], [], False, "pass", "subnet-1 gets out through nat-1, by its routes"),
        ([LOCAL, IGW], [], True, "pass", "gets out through igw-1"),
        ([LOCAL, IGW], [], False, "fail", "tasks have no public addresses"),
        ([LOCAL, replace(NAT, leads=False)], [], False, "fail", "leads nowhere, nat-1 is gone"),
        ([LOCAL, Route("0.0.0.0/0", "tgw-1")], [], False, "unknown", "leads to tgw-1; what lies behind is not known"),
        ([LOCAL], [], False, "fail", "no endpoint of ecr.api, ecr.dkr, s3, ssm, logs"),
        ([LOCAL, TO_S3], [GATEWAY, *INTERFACES], False, "unknown", "reaches AWS through endpoints, by its routes"),
        ([LOCAL], [GATEWAY, *INTERFACES], False, "fail", "no endpoint of s3:"),
        ([LOCAL, TO_S3], [replace(GATEWAY, available=False), *INTERFACES], False, "fail", "no endpoint of s3:"),
        ([LOCAL, TO_S3], [GATEWAY, *INTERFACES[1:]], False, "fail", "no endpoint of ecr.api:"),
        (
            [LOCAL, TO_S3],
            [GATEWAY, replace(INTERFACES[0], private_names=False), *INTERFACES[1:]],
            False,
            "fail",
            "no endpoint of ecr.api:",
        ),
    ],
)
def test_whether_a_subnet_reaches_what_tasks_need_is_told_by_its_routes(
    routes: list[Route], endpoints: list[Endpoint], public: bool, verdict: str, says: str
) -> None:
    found = Network("vpc-1", True, True, {"subnet-1": tuple(routes)}, tuple(endpoints), {})
    (finding,) = network.subnets(CHECK, Where(("subnet-1",), (), public), found)

    assert finding.verdict == verdict
    assert says in finding.found
    assert bool(finding.mend) == (verdict == "fail")


def test_each_subnet_and_group_that_is_not_there_is_told() -> None:
    found = Network("vpc-1", True, True, {"subnet-1": (NAT,)}, (), {"sg-1": True, "sg-2": False})
    where = Where(("subnet-1", "subnet-2"), ("sg-1", "sg-2", "sg-3"), public=False)

    assert [item.verdict for item in network.subnets(CHECK, where, found)] == ["pass", "fail"]
    assert [item.verdict for item in network.security_groups(CHECK, where, found)] == ["pass", "unknown", "fail"]


@pytest.mark.parametrize(
    ("resolves", "host_names", "endpoints", "verdict"),
    [
        (True, False, [], "pass"),
        (False, True, [], "fail"),
        (True, True, INTERFACES, "pass"),
        (True, False, INTERFACES, "fail"),
    ],
)
def test_private_names_of_endpoints_need_host_names(
    resolves: bool, host_names: bool, endpoints: list[Endpoint], verdict: str
) -> None:
    found = Network("vpc-1", resolves, host_names, {}, tuple(endpoints), {})
    (finding,) = network.names(CHECK, found)

    assert finding.verdict == verdict


@pytest.mark.parametrize("template", [{}, {"variables": []}, {"variables": {"properties": 5}}])
def test_a_template_of_any_shape_has_defaults_or_none(template: dict[str, Any]) -> None:
    assert prefect.defaults(template) == {}
    properties = {"a": {"default": [1]}, "b": {}, "c": "x"}
    assert prefect.defaults({"variables": {"properties": properties}}) == {"a": [1], "b": None}
    assert (prefect.ids(["x"]), prefect.ids("subnet-1"), prefect.ids(None)) == (("x",), (), ())


def test_commands_are_for_the_environment_that_is_looked_at() -> None:
    assert (make("deploy", "Dev"), make("deploy", "Local")) == ("make deploy ENVIRONMENT=Dev", "make deploy")
    assert (make_it("Dev"), make_it("Local")) == ("make bootstrap ENVIRONMENT=Dev YES=1", "make up")
