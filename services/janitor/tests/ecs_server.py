"""A small ECS: keeps tasks and tells of them as AWS documents it; can also refuse, be silent and be slow."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

ACCOUNT, REGION = "123456789012", "eu-central-1"
PAGE = 2
"""Tasks on one page of a list, so that lists have pages."""


class EcsServer:
    """Its attributes are what a test arranges; `asked` has the operations in order."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.clusters = {"data-flows"}
        self.silent: set[str] = set()
        """ARNs of which it says nothing."""
        self.refuses = ""
        """A code such as AccessDeniedException, with which it answers everything."""
        self.slow = 0.0
        """Seconds that it takes to answer."""
        self.asked: list[str] = []

    def start(self, run: object, cluster: str = "data-flows", **fields: Any) -> str:
        """Adds a task of a flow run that lives, unless `fields` say otherwise; gives its ARN."""
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{uuid4().hex}"
        variables = [{"name": "PREFECT__FLOW_RUN_ID", "value": str(run)}]
        self.tasks[arn] = {
            "taskArn": arn,
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "createdAt": datetime.now(UTC).timestamp(),
            "memory": "512",
            "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/data-flows-Dev-x:3",
            "containers": [{"name": "flow", "lastStatus": "RUNNING"}],
            "overrides": {"containerOverrides": [{"name": "flow", "environment": variables}]},
            "cluster": cluster,
            **fields,
        }
        return arn

    def stop(self, arn: str, exit_code: int | None = 137, **fields: Any) -> None:
        """Ends a task as ECS does when its container exits."""
        container = {"name": "flow", "lastStatus": "STOPPED", **({} if exit_code is None else {"exitCode": exit_code})}
        self.tasks[arn] |= {
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stoppedAt": 0,
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [container],
            **fields,
        }

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serves on the loopback interface; gives the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()

    def _handler(ecs) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's inside
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                operation = self.headers["x-amz-target"].rpartition(".")[2]
                ecs.asked.append(operation)
                time.sleep(ecs.slow)
                status, answer = ecs._answer(operation, body)
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.1")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Quiet."""

        return Handler

    def _answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        cluster = body["cluster"].rpartition("/")[2]
        if self.refuses:
            return 400, {"__type": self.refuses, "message": f"not authorized to perform: ecs:{operation}"}
        if cluster not in self.clusters:
            return 400, {"__type": "ClusterNotFoundException", "message": "Cluster not found."}
        there = {arn: task for arn, task in self.tasks.items() if task["cluster"] == cluster}
        if operation == "ListTasks":
            arns = [arn for arn, task in there.items() if task["desiredStatus"] == body["desiredStatus"]]
            start = int(body.get("nextToken", 0))
            more = {"nextToken": str(start + PAGE)} if start + PAGE < len(arns) else {}
            return 200, {"taskArns": arns[start : start + PAGE], **more}
        if len(body["tasks"]) > 100:
            return 400, {"__type": "InvalidParameterException", "message": "Tasks cannot be more than 100"}
        told = [arn for arn in body["tasks"] if arn not in self.silent]
        missing = [{"arn": arn, "reason": "MISSING"} for arn in told if arn not in there]
        return 200, {"tasks": [there[arn] for arn in told if arn in there], "failures": missing}
