"""Both far systems as one small server behind the tests' proxy, and every request-making call of the clients on it.

The server answers as Prefect and AWS do and remembers what was made, so that what a fault made of a write can be told.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from inspect import isclass, isfunction
from typing import Any

from tools import clients
from tools.clients import aws, container_logs, prefect_health, prefect_runs, ssm
from tools.clients.ecr import Ecr
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.clients.prefect_pools import PrefectPools
from tools.clients.prefect_variables import PrefectVariables
from tools.clients.task_definition import to_task_definition
from tools.errors import ToolsError
from tools.model.credential import Credential
from tools.model.images import Image
from tools.model.prefect import Block, PrefectSchedule, WorkPool
from tools.settings import Connection
from tools.tests.fakes import arn
from tools.tests.proxy import Proxy, Reply, Request, Reset
from tools.tests.samples import draft, prefect_deployment

KEY = "pnu_canaryCanaryCanary"
SHOWN = Credential("PREFECT_API_KEY", KEY)
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARYCANA",
    "AWS_SECRET_ACCESS_KEY": "canary/canary+canary/canary+canary/canar",
    "AWS_SESSION_TOKEN": "canaryToken" * 20,
}
AT = "2026-01-01T00:00:00Z"
DRAFT = draft("x")
WANTED = prefect_deployment("x")
EVERY_MINUTE = PrefectSchedule(id="s1", slug="often", schedule={"interval": 60.0, "timezone": "UTC"})
POOL = WorkPool(name="pool", type="ecs", base_job_template={})
BLOCK = Block(type="s3-bucket", name="results", data={"bucket_name": "x"})
IMAGE = Image("data-flows/x", f"sha256:{'0' * 64}", ("0123456789abcdef",), datetime(2026, 1, 1, tzinfo=UTC), 1)
FLOW = {"id": "f1", "name": "x"}
RUN = {"id": "r1", "name": "run", "state": {"name": "Late", "type": "SCHEDULED", "message": "m"}}
RUN |= {"state_name": "Late", "start_time": AT, "expected_start_time": AT}
SCHEDULE: dict[str, Any] = {"id": "s1", "slug": "often", "active": True, "parameters": {}}
SCHEDULE["schedule"] = {"interval": 60.0, "anchor_date": AT, "timezone": "UTC"}
DEPLOYMENT: dict[str, Any] = {"id": "d1", "flow_id": "f1", "name": "daily", "tags": ["a"], "parameters": {"b": 1}}
DEPLOYMENT |= {"description": None, "paused": False, "schedules": [SCHEDULE], "work_pool_name": "pool"}
LOG = {"id": "l1", "timestamp": AT, "level": 20, "message": "said"}
STANDING_POOL: dict[str, Any] = {
    "id": "p1",
    "status": "READY",
    "type": "ecs",
    "is_paused": False,
    "concurrency_limit": None,
}
STANDING_POOL["base_job_template"] = {"variables": {}}
WORKER = {"id": "w1", "name": "one", "status": "ONLINE", "last_heartbeat_time": AT}
VARIABLE = {"id": "v1", "name": "n", "value": {"nonce": "x"}, "created": AT, "updated": AT}
ECR_IMAGE = {"imageDigest": IMAGE.digest, "imageTags": ["t"], "imagePushedAt": 1767225600.0, "imageSizeInBytes": 5}
IDENTITY = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    b"<Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
)

SAID = {"message": "it has reached a steady state"}
DEFINITION = {**to_task_definition(DRAFT), "revision": 1, "taskDefinitionArn": arn(DRAFT.family, 1)}
AWS_ANSWERS: dict[str, Any] = {
    "RegisterTaskDefinition": {"taskDefinition": DEFINITION},
    "DescribeTaskDefinition": {"taskDefinition": DEFINITION},
    "DeregisterTaskDefinition": {"taskDefinition": DEFINITION},
    "ListTaskDefinitionFamilies": {"families": [DRAFT.family]},
    "ListTaskDefinitions": {"taskDefinitionArns": [DEFINITION["taskDefinitionArn"]]},
    "DescribeImages": {"imageDetails": [ECR_IMAGE]},
    "DescribeRepositories": {"repositories": [{"repositoryName": "data-flows/x", "repositoryUri": "registry.test/x"}]},
    "CreateRepository": {"repository": {"repositoryName": "data-flows/x"}},
    "BatchDeleteImage": {"imageIds": [], "failures": []},
    "GetAuthorizationToken": {"authorizationData": [{"authorizationToken": "QVdTOnBhc3M="}]},
    "GetParametersByPath": {"Parameters": [{"Name": "/DataFlows/X/A", "Value": "a"}]},
    "GetLogEvents": {"events": [{"timestamp": 1767225600000, "message": "said"}], "nextForwardToken": "f/1"},
    "DescribeParameters": {"Parameters": [{"Name": "/DataFlows/X/A"}]},
    "GetParameter": {"Parameter": {"Name": "/DataFlows/branches/main", "Value": "Dev"}},
    "PutParameter": {"Version": 1},
    "DeleteParameters": {"DeletedParameters": ["/DataFlows/branches/main"], "InvalidParameters": []},
    "DescribeServices": {"services": [{"status": "ACTIVE", "desiredCount": 1, "runningCount": 1, "events": [SAID]}]},
}
PREFECT_ANSWERS: dict[str, Any] = {
    "POST /flows/": FLOW,
    "POST /flows/filter": [FLOW],
    "POST /deployments/count": 1,
    "POST /deployments/filter": [DEPLOYMENT],
    "POST /logs/filter": [LOG],
    "POST /flow_runs/filter": [RUN],
    "POST /deployments/": DEPLOYMENT,
    "GET /deployments/name/.*": DEPLOYMENT,
    "(POST|GET) /deployments/.*/schedules": [SCHEDULE],
    "POST /deployments/.*/create_flow_run": RUN,
    "GET /flow_runs/.*": RUN,
    "GET /work_pools/.*": STANDING_POOL,
    "POST /work_pools/filter": [STANDING_POOL],
    "POST /work_pools/.*/workers/filter": [WORKER],
    "GET /admin/version": "3.8.8",
    "(GET|POST) /variables/.*": VARIABLE,
    "POST /work_pools/": {"name": "pool"},
    "GET /block_types/slug/[^/]*/block_documents/.*": {"id": "b1", "data": {"bucket_name": "x"}},
    "GET /block_types/.*": {"id": "t1"},
    "POST /block_schemas/filter": [{"id": "s1", "block_type_id": "t1"}],
    "POST /block_documents/": {"id": "b1"},
}


@dataclass
class Far:
    """The server; `fault` may answer a request in its place, or spoil the answer after it took effect."""

    fault: Callable[[Request, Callable[[], Reply]], Reply | Reset] = lambda _, answer: answer()
    seen: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """What is there that must not be there twice."""
    adding: bool = False
    """Whether a schedule was asked to be made: it was not there before."""

    def reset(self, fault: Callable[[Request, Callable[[], Reply]], Reply | Reset] | None = None) -> None:
        """Forgets everything."""
        self.fault = fault or (lambda _, answer: answer())
        self.seen, self.made, self.adding = [], [], False

    def __call__(self, request: Request) -> Reply | Reset:
        """What is answered."""
        self.adding |= request.method == "POST" and request.path.endswith("/schedules")
        self.seen.append(str(request))
        return self.fault(request, lambda: self.answer(request))

    def answer(self, request: Request) -> Reply:
        """What is answered where nothing is wrong."""
        if is_sts(request):
            return Reply(200, IDENTITY, {"content-type": "text/xml"})
        if request.action:
            return _json(self._aws(request.action))
        found = self._prefect(request.method, request.path.removeprefix("/api"), json.loads(request.body or b"null"))
        return Reply(204, b"") if found is None else Reply(404) if found == "none" else _json(found)

    def _once(self, what: str) -> None:
        if what not in self.made:
            self.made.append(what)

    def _aws(self, action: str) -> Any:
        if action == "RegisterTaskDefinition":
            self.made.append("revision")
        if action == "CreateRepository":
            self._once("repository")
        if action == "DescribeTaskDefinition" and not self.made:
            return {"taskDefinition": {**DEFINITION, **to_task_definition(draft("x", at="before"))}}
        return AWS_ANSWERS[action]

    def _prefect(self, method: str, path: str, body: Any) -> Any:
        match (method, *path.strip("/").split("/")):
            case ("PATCH" | "DELETE", *_):
                return None
            case ("POST", "deployments"):
                self.made.append("deployment")
            case ("POST", "deployments", _, "schedules"):
                self.made.append("schedule")
            case ("POST", "variables" | "work_pools" | "block_documents"):
                self._once(path)
            case ("POST", "deployments", _, "create_flow_run"):
                self._once(body["idempotency_key"])
            case ("GET", "deployments", "name", *_) if not self.made:
                return "none"
            case ("GET", "deployments", _, "schedules") if self.adding and not self.made:
                return []
        key = next(key for key in PREFECT_ANSWERS if re.fullmatch(key, f"{method} {path}"))
        return PREFECT_ANSWERS[key]


def is_sts(request: Request) -> bool:
    """Whether a request speaks the one protocol of AWS here that has XML."""
    return request.body.startswith(b"Action=")


def _json(value: Any) -> Reply:
    return Reply(200, json.dumps(value).encode())


def told(error: ToolsError) -> str:
    """An error's text, in which no credential stands."""
    text = f"{error.message}\n{error.hint}"
    assert not [item for item in (KEY, *SECRETS.values()) if item in text]
    return text


@dataclass
class Clients:
    """All clients of one far server."""

    aws: Connection
    ecs: Ecs
    ecr: Ecr
    api: PrefectApi
    variables: PrefectVariables
    pools: PrefectPools


@contextmanager
def far_clients(far: Far) -> Iterator[Clients]:
    """The clients, and the address of AWS for the environment of this process."""
    with Proxy(None, before=far).serving() as port:
        url, connection = f"http://127.0.0.1:{port}/api", Connection("us-east-1")
        yield Clients(
            connection,
            Ecs(connection),
            Ecr(connection, None),
            PrefectApi(url, SHOWN),
            PrefectVariables(url, SHOWN),
            PrefectPools(url, SHOWN),
        )


@dataclass(frozen=True)
class Call:
    """A call of a client; `makes` something that must not be there twice; for some, 404 is an answer."""

    of: Callable[[Clients], object]
    makes: bool = False
    gone: bool = False
    unread: bool = False
    """The answer to its last request says nothing that is read."""


def unnamed(clients: Clients) -> PrefectApi:
    """The Prefect API's client, which knows no flow's name yet."""
    clients.api.flow_names.clear()
    return clients.api


CALLS: dict[str, Call] = {
    "Ecs.release": Call(lambda c: c.ecs.release(DRAFT.family)),
    "Ecs.families": Call(lambda c: c.ecs.families("data-flows")),
    "Ecs.releases": Call(lambda c: c.ecs.releases(DRAFT.family)),
    "Ecs.revisions": Call(lambda c: c.ecs.revisions(DRAFT.family)),
    "Ecs.deregister": Call(lambda c: c.ecs.deregister(arn(DRAFT.family, 1))),
    "Ecs.make_release": Call(lambda c: c.ecs.make_release(DRAFT), makes=True),
    "Ecs.active": Call(lambda c: c.ecs.active(DRAFT.family)),
    "Ecs.running": Call(lambda c: c.ecs.running("data-flows-X", "worker")),
    "Ecr.digest": Call(lambda c: c.ecr.digest("data-flows/x", "t")),
    "Ecr.holds": Call(lambda c: c.ecr.holds("data-flows/x", IMAGE.digest)),
    "Ecr.list_repositories": Call(lambda c: c.ecr.list_repositories("data-flows")),
    "Ecr.images": Call(lambda c: c.ecr.images("data-flows/x")),
    "Ecr.remove": Call(lambda c: c.ecr.remove(IMAGE)),
    "Ecr.ensure": Call(lambda c: c.ecr.ensure("data-flows/x"), makes=True),
    "Ecr.address": Call(lambda c: c.ecr.address("data-flows/x")),
    "Ecr.login": Call(lambda c: c.ecr.login()),
    "ssm.tree": Call(lambda c: ssm.tree(c.aws, "/DataFlows/X")),
    "ssm.missing": Call(lambda c: ssm.missing(c.aws, ["/DataFlows/X/B"])),
    "ssm.deep_tree": Call(lambda c: ssm.deep_tree(c.aws, "/DataFlows/branches")),
    "ssm.value": Call(lambda c: ssm.value(c.aws, "/DataFlows/branches/main")),
    "ssm.names_below": Call(lambda c: ssm.names_below(c.aws, "/DataFlows")),
    "ssm.put": Call(lambda c: ssm.put(c.aws, "/DataFlows/branches/main", "Dev")),
    "ssm.remove": Call(lambda c: ssm.remove(c.aws, "/DataFlows/branches/main")),
    "aws.check_account": Call(lambda c: aws.check_account(c.aws, "123456789012")),
    "aws.caller": Call(lambda c: aws.caller(c.aws)),
    "PrefectApi.deployments": Call(lambda c: unnamed(c).deployments(["x"])),
    "PrefectApi.tagged": Call(lambda c: unnamed(c).tagged("a")),
    "PrefectApi.count": Call(lambda c: c.api.count("a")),
    "PrefectApi.every_deployment": Call(lambda c: unnamed(c).every_deployment()),
    "container_logs.container_lines": Call(
        lambda c: container_logs.container_lines(c.aws, "/g", "x", "arn:aws:ecs:r:1:task/c/t")
    ),
    "PrefectApi.remove": Call(lambda c: c.api.remove("d1"), gone=True, unread=True),
    "PrefectApi.create": Call(lambda c: c.api.create(WANTED), makes=True),
    "PrefectApi.patch": Call(lambda c: c.api.patch(WANTED, WANTED, ["version"]), unread=True),
    "PrefectApi.add_schedule": Call(lambda c: c.api.add_schedule("d1", EVERY_MINUTE), makes=True, unread=True),
    "PrefectApi.change_schedule": Call(
        lambda c: c.api.change_schedule("d1", EVERY_MINUTE, EVERY_MINUTE, active=None), unread=True
    ),
    "PrefectApi.remove_schedule": Call(lambda c: c.api.remove_schedule("d1", "s1"), gone=True, unread=True),
    "PrefectApi.pool_status": Call(lambda c: c.api.pool_status("pool"), gone=True),
    "PrefectApi.start": Call(lambda c: c.api.start("d1", {}), makes=True),
    "PrefectApi.flow_run": Call(lambda c: c.api.flow_run("r1")),
    "PrefectApi.last_run": Call(lambda c: c.api.last_run("x", "pool")),
    "PrefectApi.logs": Call(lambda c: c.api.logs("r1", AT)),
    "PrefectVariables.read": Call(lambda c: c.variables.read("n"), gone=True),
    "PrefectVariables.exists": Call(lambda c: c.variables.exists("v1"), gone=True),
    "PrefectVariables.create": Call(lambda c: c.variables.create("n", 1), makes=True, unread=True),
    "PrefectVariables.touch": Call(lambda c: c.variables.touch("v1"), gone=True, unread=True),
    "PrefectVariables.delete": Call(lambda c: c.variables.delete("v1"), gone=True, unread=True),
    "PrefectPools.pool": Call(lambda c: c.pools.pool("pool"), gone=True),
    "PrefectPools.create_pool": Call(lambda c: c.pools.create_pool(POOL), makes=True, unread=True),
    "PrefectPools.change_template": Call(lambda c: c.pools.change_template("pool", {}), unread=True),
    "PrefectPools.block": Call(lambda c: c.pools.block("s3-bucket", "results"), gone=True),
    "PrefectPools.create_block": Call(lambda c: c.pools.create_block(BLOCK), makes=True, unread=True),
    "PrefectPools.change_block": Call(lambda c: c.pools.change_block("b1", {}), unread=True),
    "prefect_runs.runs": Call(lambda c: prefect_runs.runs(c.api, ["d1"])),
    "prefect_health.version": Call(lambda c: prefect_health.version(c.api)),
    "prefect_health.work_pool": Call(lambda c: prefect_health.work_pool(c.api, "pool"), gone=True),
    "prefect_health.workers": Call(lambda c: prefect_health.workers(c.api, "pool")),
    "prefect_health.bucket_of": Call(lambda c: prefect_health.bucket_of(c.api, "s3-bucket/x"), gone=True),
    "prefect_health.late_runs": Call(lambda c: prefect_health.late_runs(c.api, "pool")),
}

#: Modules of tools/clients that ask neither AWS nor Prefect, and the transport of those that do.
_OTHERS = {"adapter", "bake", "bounds", "describe_flow", "engine", "prefect_http", "record", "stage", "task_definition"}
#: Tried by tests of their own: of the registry each of these, of what bootstrap asks only some.
_OTHERS |= {"registry", "cloudformation", "foundations"}
#: What the doctor asks that speaks XML, makes a client for each call, or takes a refusal for an answer: contract tests.
_OTHERWISE = {"Iam.trust", "Ec2.network", "sqs.waiting", "cloudwatch.ringing", "cloudwatch.has_log_group"}
_OTHERWISE |= {"aws.server_time", "prefect_health.reach"}
_ASK_NOTHING = {"aws.regions", "Ecs.warm_up", "Ecr.warm_up", "PrefectApi.run_url"}
_ASK_NOTHING |= {f"aws.{name}" for name in ("session", "client", "told", "passing", "unreachable", "code")}
_ASK_NOTHING |= {"aws.has_credentials", "aws.check_caller"}


def every_call() -> set[str]:
    """The public functions and methods of the clients of AWS and Prefect that send requests."""
    found: set[str] = set()
    for name in {info.name for info in pkgutil.iter_modules(clients.__path__)} - _OTHERS:
        module = import_module(f"{clients.__name__}.{name}")
        own = {key: item for key, item in vars(module).items() if getattr(item, "__module__", "") == module.__name__}
        for key, item in own.items():
            parts = {f"{key}.{part}": inner for part, inner in vars(item).items()} if isclass(item) else {}
            named = parts or {f"{name}.{key}": item}
            found |= {full for full, inner in named.items() if isfunction(inner) and "._" not in full}
    return found - _ASK_NOTHING - _OTHERWISE
