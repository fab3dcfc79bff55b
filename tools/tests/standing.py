"""What stands in AWS after a bootstrap, as each service's own API tells it, in the form of the templates."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from tools.clients.aws import session
from tools.settings import Connection


@cache
def _client(connection: Connection, service: str) -> Any:
    """Made once: making one takes longer than what it is asked."""
    make: Any = session(connection).client
    return make(service, endpoint_url=connection.endpoint)


class Standing:
    """The things of one environment.

    Args:
        connection: how AWS is reached.
        environment: its name.
    """

    def __init__(self, connection: Connection, environment: str) -> None:
        self._connection, self._environment = connection, environment

    def client(self, service: str) -> Any:
        """A client of a service."""
        return _client(self._connection, service)

    def bucket(self, name: str) -> dict[str, Any]:
        """A bucket's properties."""
        s3 = self.client("s3")
        encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        return {
            "BucketName": name,
            "OwnershipControls": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"],
            "Algorithms": [rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for rule in encryption],
            "PublicAccessBlockConfiguration": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
            "Policy": json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]),
        }

    def log_group(self, name: str) -> dict[str, Any]:
        """A log group's properties."""
        (found,) = self.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return {"LogGroupName": found["logGroupName"], "RetentionInDays": found["retentionInDays"]}

    def roles(self) -> dict[str, Any]:
        """The environment's roles by name: trust and policies."""
        iam = self.client("iam")
        prefix = f"data-flows-{self._environment}-"
        pages = iam.get_paginator("list_roles").paginate()
        found = [role for page in pages for role in page["Roles"] if role["RoleName"].startswith(prefix)]
        return {
            role["RoleName"]: {
                "RoleName": role["RoleName"],
                "AssumeRolePolicyDocument": role["AssumeRolePolicyDocument"],
                "Policies": [
                    {
                        "PolicyName": name,
                        "PolicyDocument": iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)[
                            "PolicyDocument"
                        ],
                    }
                    for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
                ],
            }
            for role in found
        }

    def queue(self, name: str) -> dict[str, Any]:
        """A queue's attributes; texts that are JSON are read, numbers too."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return {key: json.loads(value) if value[:1] in "{0123456789tf" else value for key, value in found.items()}

    def rule(self, name: str) -> dict[str, Any]:
        """A rule's pattern and targets."""
        events = self.client("events")
        return {
            "EventPattern": json.loads(events.describe_rule(Name=name)["EventPattern"]),
            "Targets": events.list_targets_by_rule(Rule=name)["Targets"],
        }

    def cluster(self) -> dict[str, Any]:
        """The cluster, as ECS tells it."""
        (found,) = self.client("ecs").describe_clusters(clusters=[f"data-flows-{self._environment}"])["clusters"]
        return dict(found)

    def worker(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The worker's service and task definition; None where there is no worker."""
        ecs = self.client("ecs")
        cluster = f"data-flows-{self._environment}"
        found = ecs.describe_services(cluster=cluster, services=["worker"])["services"]
        alive = [service for service in found if service["status"] == "ACTIVE"]
        if not alive:
            return None
        definition = ecs.describe_task_definition(taskDefinition=alive[0]["taskDefinition"])["taskDefinition"]
        return alive[0], definition

    def security_group(self) -> dict[str, Any]:
        """The security group that the stack tells."""
        outputs = self.stack("run")["Outputs"]
        group = {item["OutputKey"]: item["OutputValue"] for item in outputs}["SecurityGroup"]
        (found,) = self.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return dict(found)

    def alarms(self) -> dict[str, Any]:
        """The environment's alarms by name."""
        found = self.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"data-flows-{self._environment}-")
        return {alarm["AlarmName"]: alarm for alarm in found["MetricAlarms"]}

    def stack(self, part: str) -> dict[str, Any]:
        """A stack of the environment; empty where there is none."""
        cloudformation = self.client("cloudformation")
        found = [item for page in cloudformation.get_paginator("describe_stacks").paginate() for item in page["Stacks"]]
        named = [item for item in found if item["StackName"] == f"data-flows-{self._environment}-{part}"]
        return dict(named[0]) if named else {}
