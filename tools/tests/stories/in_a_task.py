"""What a task of the local cloud tries that is not its right. Runs inside a task; prints what came of each as JSON."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

IMAGE = os.environ["OWN_IMAGE"]
CONTAINER = {"name": "flow", "image": IMAGE}
MOUNTED = {**CONTAINER, "mountPoints": [{"sourceVolume": "v", "containerPath": "/host"}]}
FOUND: dict[str, Any] = {name: os.environ.get(name) for name in ("SECURE", "PLAIN")}


def tried(what: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except ClientError as error:
        FOUND[what] = "{Code}: {Message}".format(**error.response["Error"])
    except (BotoCoreError, ResponseParserError, httpx.HTTPError, OSError) as error:
        FOUND[what] = f"{type(error).__name__}: {error}"
    else:
        FOUND[what] = "done"


def registered(what: str, **definition: Any) -> None:
    whole = {"family": "stranger", "networkMode": "awsvpc", "containerDefinitions": [CONTAINER], **definition}
    tried(what, lambda: boto3.client("ecs").register_task_definition(**whole))


def mounted(what: str, path: str) -> None:
    registered(what, volumes=[{"name": "v", "host": {"sourcePath": path}}], containerDefinitions=[MOUNTED])


def stacked(kind: str, **properties: Any) -> None:
    """A stack of one resource; what became of it."""
    cloudformation, name = boto3.client("cloudformation"), f"stranger-{kind.replace(':', '')}"
    body = json.dumps({"Resources": {"Thing": {"Type": kind, "Properties": properties}}})
    try:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
        while True:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(0.2)
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        said = [event.get("ResourceStatusReason", "") for event in events]
        FOUND[kind] = f"{stack['StackStatus']}: {' '.join(said)}"
    except ClientError as error:
        FOUND[kind] = "{Code}: {Message}".format(**error.response["Error"])


mounted("root", "/")
mounted("docker.sock", "/var/run/docker.sock")
registered("host network", networkMode="host")
registered("privileged", containerDefinitions=[{**CONTAINER, "privileged": True}])
code = {"FunctionName": "f", "Runtime": "python3.13", "Role": "arn:aws:iam::000000000000:role/x", "Handler": "f.f"}
tried("lambda", lambda: boto3.client("lambda").create_function(**code, Code={"ZipFile": b"PK"}))
database = {"DBInstanceIdentifier": "d", "DBInstanceClass": "db.t3.micro", "Engine": "postgres"}
tried("rds", lambda: boto3.client("rds").create_db_instance(**database))
tried("elasticache", lambda: boto3.client("elasticache").create_cache_cluster(CacheClusterId="c", Engine="redis"))
tried("eks", lambda: boto3.client("eks").create_cluster(name="e", roleArn=code["Role"], resourcesVpcConfig={}))
lower = {"Name": "flow", "Image": IMAGE, "MountPoints": [{"SourceVolume": "v", "ContainerPath": "/host"}]}
volume = {"Name": "v", "Host": {"SourcePath": "/"}}
stacked("AWS::ECS::TaskDefinition", Family="stranger", ContainerDefinitions=[lower], Volumes=[volume])
stacked("AWS::ECS::Service", ServiceName="stranger", TaskDefinition="data-flows-Local-healthcheck", DesiredCount=1)
stacked("AWS::Lambda::Function", FunctionName="f", Role=code["Role"], Code={"ZipFile": "x"})
stacked("AWS::RDS::DBInstance", **database)
stacked("AWS::CloudFormation::Stack", TemplateURL="http://aws:4566/nowhere/x.json")
stacked("AWS::CloudFormation::CustomResource", ServiceToken="arn:aws:sns:us-east-1:000000000000:t")
stacked("Custom::Thing", ServiceToken="arn:aws:lambda:us-east-1:000000000000:function:f")
url = os.environ["AWS_ENDPOINT_URL"]
tried("reset", lambda: httpx.post(f"{url}/_ministack/reset").raise_for_status())
tried("config", lambda: httpx.post(f"{url}/_ministack/config", json={}).raise_for_status())
tried("engine", lambda: socket.create_connection(("engine", 2375), 2))
FOUND["sockets"] = [path for path in ("/var/run/docker.sock", "/run/engine") if os.path.exists(path)]
sys.stdout.write(json.dumps(FOUND) + "\n")
