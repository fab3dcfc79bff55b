"""What is in memory as servers tell it, in pages: the reads of a plan over HTTP, for very many flows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.clients.task_definition import to_task_definition
from tools.model.names import mark
from tools.model.prefect import PrefectDeployment
from tools.model.release import Release
from tools.tests.memory import World
from tools.tests.proxy import Reply, Request


def served(world: World) -> Callable[[Request], Reply]:
    """Answers what a plan asks of Prefect, ECS and ECR.

    Args:
        world: what there is; its deployments and releases no longer change.
    """
    deployments = {item.full_name: item for item in world.prefect.every_deployment()}
    releases = {item.arn: item for known in world.ecs.known.values() for item in known if isinstance(item, Release)}
    by_family = {item.family: item for item in releases.values()}

    def answer(request: Request) -> Reply:
        body = json.loads(request.body)
        match request.action or request.path:
            case "/api/deployments/filter":
                named = set(body["flows"]["name"]["any_"])
                found = [_deployment(item) for item in deployments.values() if item.flow in named]
                return _json(found[body["offset"] : body["offset"] + body["limit"]])
            case "/api/flows/filter":
                flows = [{"id": name, "name": name.removeprefix("id-")} for name in body["flows"]["id"]["any_"]]
                return _json(flows[body["offset"] : body["offset"] + body["limit"]])
            case "/api/deployments/count":
                return _json(len(deployments) if body == _marked() else 0)
            case "DescribeTaskDefinition":
                wanted = body["taskDefinition"]
                release = by_family.get(wanted) or releases[wanted]
                told = {"taskDefinitionArn": release.arn, "revision": release.revision, "status": "ACTIVE"}
                return _json({"taskDefinition": {**to_task_definition(release), **told}})
            case "DescribeImages":
                digest = world.ecr.digest(body["repositoryName"], body["imageIds"][0]["imageTag"])
                return _json({"imageDetails": [{"imageDigest": digest}]})
        raise AssertionError(f"nobody answers {request}")

    return answer


def _marked() -> Mapping[str, Any]:
    return {"deployments": {"tags": {"all_": [mark("Local")]}}}


def _json(found: Mapping[str, Any] | Sequence[Any] | int) -> Reply:
    return Reply(200, json.dumps(found).encode())


def _deployment(item: PrefectDeployment) -> dict[str, Any]:
    told = item.model_dump(mode="json")
    renamed = {"work_pool_name": item.work_pool, "parameter_openapi_schema": item.parameter_schema}
    return {**told, **renamed, "flow_id": f"id-{item.flow}"}
