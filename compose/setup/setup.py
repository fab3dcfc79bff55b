"""Creates what the environment Local consists of, where it is missing. Run by the compose service `setup`.

Takes the addresses of the emulator and of the Prefect API from the environment. Gives a cluster, roles, a log group, a
bucket, a work pool with its job template and a block for results; prints what it created. Never changes
what is there: what somebody changed by hand stays.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.exceptions import ClientError

NAME = "data-flows"  # of the cluster and of the work pool
BUCKET = "data-flows-local"
LOG_GROUP = "/data-flows/Local"
EXECUTION_ROLE, TASK_ROLE = "data-flows-execution", "data-flows-task"
RESULTS_BLOCK = "data-flows-results"
RESULTS_EXPIRE = {
    "Rules": [{"ID": "results", "Status": "Enabled", "Filter": {"Prefix": "results/"}, "Expiration": {"Days": 7}}]
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
#: boto3 refuses the address at which the emulator offers the task role's credentials; it takes any key.
TASK_ENV = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def main() -> None:
    create_in_aws()
    with httpx.Client(base_url=os.environ["PREFECT_API_URL"].rstrip("/") + "/", timeout=30) as prefect:
        create_work_pool(prefect)
        create_results_block(prefect)


def create_in_aws() -> None:
    """Creates the emulator's part. Where a call's repetition would not be refused, asks first."""
    ecs, iam, logs = boto3.client("ecs"), boto3.client("iam"), boto3.client("logs")
    s3 = boto3.client("s3")
    if not any(cluster["status"] == "ACTIVE" for cluster in ecs.describe_clusters(clusters=[NAME])["clusters"]):
        create("cluster", NAME, ecs.create_cluster, clusterName=NAME, capacityProviders=["FARGATE", "FARGATE_SPOT"])
    for role in (EXECUTION_ROLE, TASK_ROLE):
        create("role", role, iam.create_role, RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))
    create("log group", LOG_GROUP, logs.create_log_group, logGroupName=LOG_GROUP)
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        create("bucket", BUCKET, s3.create_bucket, Bucket=BUCKET)
        s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=RESULTS_EXPIRE)


def create(kind: str, name: str, call: Callable[..., Any], **arguments: Any) -> None:
    """Makes the call, and takes the answer that the thing exists for success."""
    try:
        call(**arguments)
    except ClientError as error:
        if "AlreadyExists" not in error.response["Error"]["Code"]:
            raise
    else:
        say(f"created {kind} {name}")


def say(text: str) -> None:
    """A line in the log of the compose service."""
    sys.stdout.write(f"{text}\n")


def create_work_pool(prefect: httpx.Client) -> None:
    """Creates the pool of the ECS worker, with this environment's values as the defaults of its job variables."""
    if prefect.get(f"work_pools/{NAME}").is_success:
        return
    template = json.loads(Path(__file__).with_name("work-pool.json").read_text())
    template["job_configuration"]["env"] = TASK_ENV
    for name, value in {"cluster": NAME, **network()}.items():
        template["variables"]["properties"][name]["default"] = value
    pool = {"name": NAME, "type": "ecs", "base_job_template": template, "description": "Runs flows as ECS tasks"}
    prefect.post("work_pools/", json=pool).raise_for_status()
    say(f"created work pool {NAME}")


def network() -> dict[str, Any]:
    """The job variables that say where tasks start: in the default network."""
    ec2 = boto3.client("ec2")
    default = [{"Name": "isDefault", "Values": ["true"]}]
    vpc = ec2.describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = ec2.describe_subnets(Filters=inside)["Subnets"]
    groups = ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
    return {
        "subnets": [subnet["SubnetId"] for subnet in subnets],
        "security_groups": [group["GroupId"] for group in groups if group["GroupName"] == "default"],
        "assign_public_ip": "ENABLED",
    }


def create_results_block(prefect: httpx.Client) -> None:
    """Creates the block that PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK names."""
    if prefect.get(f"block_types/slug/s3-bucket/block_documents/name/{RESULTS_BLOCK}").is_success:
        return
    from prefect_aws import AwsCredentials, S3Bucket  # slow to import, and needed once only

    S3Bucket(bucket_name=BUCKET, bucket_folder="results", credentials=AwsCredentials()).save(RESULTS_BLOCK)
    say(f"created block s3-bucket/{RESULTS_BLOCK}")


if __name__ == "__main__":
    main()
