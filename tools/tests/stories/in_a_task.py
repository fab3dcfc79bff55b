"""What a task of the local cloud tries that is not its right. Runs inside a task; prints what came of each as JSON."""

import json
import os
import socket
import sys
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
url = os.environ["AWS_ENDPOINT_URL"]
tried("reset", lambda: httpx.post(f"{url}/_ministack/reset").raise_for_status())
tried("config", lambda: httpx.post(f"{url}/_ministack/config", json={}).raise_for_status())
tried("engine", lambda: socket.create_connection(("engine", 2375), 2))
FOUND["sockets"] = [path for path in ("/var/run/docker.sock", "/run/engine") if os.path.exists(path)]
sys.stdout.write(json.dumps(FOUND) + "\n")
