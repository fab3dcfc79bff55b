"""Whatever the local cloud runs, no web page uses it, and no task beyond its rights: tried as the page and as the task.

Told after the story (test_story.py), in its cloud; by itself it starts that cloud.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
from docker.models.containers import Container

from tools.tests.clouds import BUCKET, CLUSTER, Cloud, wait

pytestmark = pytest.mark.docker

HERE = Path(__file__).parent
FAMILY = "data-flows-Local-healthcheck"
ROLE = "Action=CreateRole&RoleName=stranger&AssumeRolePolicyDocument=%7B%7D"
JSON = {"Content-Type": "application/json"}
SECURE, PLAIN = "p4ss $word'\"", "a plain one"
#: What beside_the_emulator.py tries -> why it is refused.
REFUSED = {
    "bind": "no Binds",
    "volume": "no Binds",
    "privileged": "no Privileged",
    "host network": "starts in the network",
    "another's processes": "no PidMode",
    "capability": "no CapAdd",
    "another's image": "image comes from localhost:",
    "another's name": "ministack-ecs-",
    "exec": "nothing that a task needs",
    "stop": "none of the local cloud's tasks",
    "remove": "none of the local cloud's tasks",
    "logs": "none of the local cloud's tasks",
    "inspect": "none of the local cloud's tasks",
    "images": "nothing that a task needs",
    "volumes": "nothing that a task needs",
    "networks": "nothing that a task needs",
}


#: What a stack in the local cloud cannot have.
STACKED = (
    "AWS::ECS::TaskDefinition",
    "AWS::ECS::Service",
    "AWS::Lambda::Function",
    "AWS::RDS::DBInstance",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::CustomResource",
    "Custom::Thing",
)


KEEPER = """
import hashlib
import os

from prefect import flow


@flow(name="keeper", log_prints=True)
def keeper():
    print(hashlib.sha256(os.environ["TOKEN"].encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def running(cloud: Cloud) -> Cloud:
    """The cloud, with a flow that was deployed to it."""
    cloud.tools("up")
    cloud.results("healthcheck")
    return cloud


def project(cloud: Cloud) -> str:
    return cloud.environment["COMPOSE_PROJECT_NAME"]


def parts(cloud: Cloud) -> dict[str, Container]:
    """The cloud's containers by the names of their compose services."""
    found = docker.from_env().containers.list(filters={"label": f"com.docker.compose.project={project(cloud)}"})
    return {item.labels["com.docker.compose.service"]: item for item in found}


def test_one_part_alone_has_the_engine_and_it_is_in_no_network(running: Cloud) -> None:
    mounts = {name: {item["Destination"] for item in part.attrs["Mounts"]} for name, part in parts(running).items()}
    assert [name for name, inside in mounts.items() if "/var/run/docker.sock" in inside] == ["engine"]
    assert {name for name, inside in mounts.items() if "/run/engine" in inside} == {"engine", "aws"}
    assert parts(running)["engine"].attrs["HostConfig"]["NetworkMode"] == "none"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Host": "evil.example"},
    ],
    ids=["another page", "a page without a name", "an image", "a name that leads here"],
)
def test_a_page_uses_neither_server(running: Cloud, headers: dict[str, str]) -> None:
    aws, api = f"http://127.0.0.1:{running.aws_port}/", f"http://127.0.0.1:{running.prefect_port}/api/"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    target = {"Content-Type": "text/plain", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters"}
    variable = json.dumps({"name": "stranger", "value": 1})
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answers = [
        requests.post(aws, ROLE, headers={**form, **headers}, timeout=10),
        requests.get(f"{aws}?{ROLE}", headers=headers, timeout=10),
        requests.post(aws, "{}", headers={**target, **headers}, timeout=10),
        requests.get(f"{aws}v2/_catalog", headers=headers, timeout=10),
        requests.options(aws, headers={**preflight, **headers}, timeout=10),
        requests.post(f"{api}variables/", variable, headers=headers, timeout=10),
        requests.post(f"{api}variables/", variable, headers={**JSON, **headers}, timeout=10),
        requests.post(f"{api}flows/filter", "{}", headers={**JSON, **headers}, timeout=10),
        requests.options(f"{api}flows/filter", headers={**preflight, **headers}, timeout=10),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert not any(name.lower().startswith("access-control-") for answer in answers for name in answer.headers)
    assert "stranger" not in [role["RoleName"] for role in running.aws("iam").list_roles()["Roles"]]
    assert running.prefect("POST", "/variables/filter", {}) == []


def test_the_prefect_servers_own_pages_use_it_and_a_browser_reads_the_lake(running: Cloud) -> None:
    address = f"http://127.0.0.1:{running.prefect_port}"
    own = {"Origin": address, "Sec-Fetch-Site": "same-origin", **JSON}
    assert requests.post(f"{address}/api/flows/filter", "{}", headers=own, timeout=10).status_code == 200
    running.aws("s3").put_object(Bucket=BUCKET, Key="lake/page.html", Body=b"a report")
    link = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    page = f"http://127.0.0.1:{running.aws_port}/{BUCKET}/lake/page.html"
    assert requests.get(page, headers=link, timeout=10).text == "a report"


def run_as_task(cloud: Cloud) -> dict[str, Any]:
    """Runs in_a_task.py as the task of a flow, with two parameters as its secrets; gives what it found."""
    ecs, ssm = cloud.aws("ecs"), cloud.aws("ssm")
    ssm.put_parameter(Name="/DataFlows/Local/strange/SECURE", Value=SECURE, Type="SecureString", Overwrite=True)
    ssm.put_parameter(Name="/DataFlows/Local/strange/PLAIN", Value=PLAIN, Type="String", Overwrite=True)
    live = ecs.describe_task_definition(taskDefinition=FAMILY)["taskDefinition"]
    taken = ("networkMode", "cpu", "memory", "runtimePlatform", "executionRoleArn", "taskRoleArn")
    (container,) = live["containerDefinitions"]
    container["command"] = ["python", "-c", (HERE / "in_a_task.py").read_text()]
    container["environment"].append({"name": "OWN_IMAGE", "value": container["image"]})
    container["environment"] += [
        {"name": f"AWS_{name}", "value": "test"} for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    ]
    container["secrets"] = [
        {"name": name, "valueFrom": f"/DataFlows/Local/strange/{name}"} for name in ("SECURE", "PLAIN")
    ]
    made = ecs.register_task_definition(
        family="strange", containerDefinitions=[container], **{name: live[name] for name in taken}
    )["taskDefinition"]["taskDefinitionArn"]
    (task,) = ecs.run_task(cluster=CLUSTER, taskDefinition=made, launchType="FARGATE")["tasks"]

    def ended() -> Any:
        (now,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[task["taskArn"]])["tasks"]
        return now if now["lastStatus"] == "STOPPED" else None

    wait(ended, "the task has ended")
    stream = f"healthcheck/flow/{task['taskArn'].rsplit('/', 1)[1]}"
    events = cloud.aws("logs").get_log_events(logGroupName="/data-flows/Local", logStreamName=stream)["events"]
    said = "\n".join(event["message"] for event in events)
    assert ended()["containers"][0]["exitCode"] == 0, said
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def test_a_task_gets_its_secrets_and_nothing_of_the_host(running: Cloud) -> None:
    found = run_as_task(running)
    assert (found.pop("SECURE"), found.pop("PLAIN")) == (SECURE, PLAIN)
    assert found.pop("sockets") == []
    for what in ("root", "docker.sock", "host network", "privileged"):
        assert found.pop(what).startswith("ClientException: Fargate compatible task definitions do not support"), what
    for what in ("reset", "config"):
        assert "403" in found.pop(what)
    assert "gaierror" in found.pop("engine")
    for kind in STACKED:
        assert re.search(r"ROLLBACK_COMPLETE: .*makes no resources of this kind.*", found.pop(kind)), kind
    assert set(found) == {"lambda", "rds", "elasticache", "eks"}
    assert "done" not in found.values()
    families = running.aws("ecs").list_task_definition_families()["families"]
    assert "stranger" not in families


def test_a_secret_reaches_its_flow_and_stands_nowhere_else(running: Cloud) -> None:
    secret = f"canary-{uuid.uuid4().hex}"
    running.aws("ssm").put_parameter(Name="/DataFlows/Local/keeper/TOKEN", Value=secret, Type="SecureString")
    running.write_service("keeper", KEEPER)
    with (running.root / "services/keeper/service.toml").open("a") as declared:
        declared.write('\n[ecs_run]\nsecrets = { TOKEN = "TOKEN" }\n')

    said = [running.tools(*verb, "keeper") for verb in (["plan"], ["deploy"], ["deploy", "--json"], ["trigger"])]
    assert hashlib.sha256(secret.encode()).hexdigest() in said[-1]
    said += [running.tools(*verb, "keeper") for verb in (["status"], ["history"], ["rollback", "--to", "1"])]

    found = {"what the tools print": "".join(said), "the work pool": running.prefect("GET", "/work_pools/data-flows")}
    for kind in ("deployments", "flow_runs", "task_runs", "logs", "variables", "block_documents"):
        found[f"Prefect's {kind}"] = running.prefect("POST", f"/{kind}/filter", {})
    ecs, logs = running.aws("ecs"), running.aws("logs")
    (release,) = ecs.list_task_definitions(familyPrefix="data-flows-Local-keeper")["taskDefinitionArns"]
    found["the task definition"] = definition = ecs.describe_task_definition(taskDefinition=release)
    tasks = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=CLUSTER, desiredStatus=status)["taskArns"]
    ]
    found["the tasks and their overrides"] = ecs.describe_tasks(cluster=CLUSTER, tasks=tasks)["tasks"]
    streams = logs.describe_log_streams(logGroupName="/data-flows/Local", logStreamNamePrefix="keeper/")["logStreams"]
    assert streams
    for stream in streams:
        events = logs.get_log_events(logGroupName="/data-flows/Local", logStreamName=stream["logStreamName"])
        found[f"the log {stream['logStreamName']}"] = events
    image = docker.from_env().images.get(
        definition["taskDefinition"]["containerDefinitions"][0]["image"],
    )
    found["the image's history"] = [image.history(), image.attrs]
    assert [place for place, text in found.items() if secret in str(text)] == []
    assert secret.encode() not in b"".join(image.save())


def test_code_beside_the_emulator_has_of_the_engine_what_a_task_needs(running: Cloud) -> None:
    (live,) = running.aws("ecs").describe_task_definition(taskDefinition=FAMILY)["taskDefinition"][
        "containerDefinitions"
    ]
    script = (HERE / "beside_the_emulator.py").read_text()
    done = parts(running)["aws"].exec_run(["python", "-c", script, live["image"], project(running)])
    assert isinstance(done.output, bytes)
    assert done.exit_code == 0, done.output.decode()
    found = json.loads(done.output.splitlines()[-1])
    listed = set(found.pop("listed"))
    assert found.pop("a task's") in listed
    assert not listed & {part.id for part in parts(running).values()}
    assert found.pop("a task's, removed") == "done"
    assert set(found) == set(REFUSED)
    for what, why in REFUSED.items():
        assert str(found[what]).startswith("403: refused by the local cloud: "), what
        assert why in found[what]
