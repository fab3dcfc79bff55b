"""What must be known of an account before an environment is made in it: network, bucket, identity providers, registry.

Writes a template that is too large to be sent to CloudFormation, and how the registry keeps what several images share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from tools.clients.aws import client, code, told
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ecr.client import ECRClient
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_s3.client import S3Client


_BLOB_MOUNTING = "BLOB_MOUNTING"


class Foundations:
    """An account and region."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def zones(self, vpc: str, subnets: Sequence[str]) -> dict[str, tuple[str, str]] | None:
        """VPC and availability zone of each of the subnets that is there; None where the VPC is not."""
        ec2: EC2Client = client(self._connection, "ec2")
        with told(f"looking for the VPC {vpc} (ec2:DescribeVpcs)", self._connection):
            if not ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Vpcs"]:
                return None
        with told("looking for the subnets (ec2:DescribeSubnets)", self._connection):
            answer = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": list(subnets)}])
        return {item["SubnetId"]: (item["VpcId"], item["AvailabilityZone"]) for item in answer["Subnets"]}

    def default_network(self) -> tuple[str, tuple[str, ...]]:
        """The VPC that an account has from the beginning, and its subnets."""
        ec2: EC2Client = client(self._connection, "ec2")
        with told("looking for the default VPC (ec2:DescribeVpcs, ec2:DescribeSubnets)", self._connection):
            vpc = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
            subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        return vpc, tuple(sorted(item["SubnetId"] for item in subnets))

    def bucket(self, name: str, account: str) -> Literal["absent", "ours", "another's"]:
        """Whether there is a bucket of a name, and whose: all of AWS shares these names."""
        with told(f"looking for the bucket {name} (s3:HeadBucket)", self._connection):
            try:
                self._s3().head_bucket(Bucket=name, ExpectedBucketOwner=account)
            except ClientError as error:
                if code(error) == "404":
                    return "absent"
                if code(error) in ("301", "403"):
                    return "another's"
                raise
        return "ours"

    def put_template(self, bucket: str, stack: str, body: str) -> str:
        """Puts a template into a bucket; gives its address."""
        key = f"cloudformation/{stack}.json"
        with told(f"putting the template of {stack} into {bucket} (s3:PutObject)", self._connection):
            self._s3().put_object(Bucket=bucket, Key=key, Body=body.encode())
        if self._connection.endpoint:
            return f"{self._connection.endpoint}/{bucket}/{key}"
        suffix = "amazonaws.com.cn" if self._connection.region.startswith("cn-") else "amazonaws.com"
        return f"https://{bucket}.s3.{self._connection.region}.{suffix}/{key}"

    def has_provider(self, issuer: str) -> bool:
        """Whether the account has an identity provider of an issuer, whoever made it."""
        iam: IAMClient = client(self._connection, "iam")
        with told("looking for the identity provider (iam:ListOpenIDConnectProviders)", self._connection):
            found = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        return any(item["Arn"].endswith(f"/{issuer}") for item in found)

    def mounts_blobs(self) -> bool | None:
        """Whether the registry keeps a layer once that several repositories have; None where it does not say."""
        with told("reading the registry's settings (ecr:GetAccountSetting)", self._connection):
            try:
                found = self._ecr().get_account_setting(name=_BLOB_MOUNTING)
            except ClientError as error:
                # A region that has no such setting yet; of the emulators each says so in its own words.
                if self._connection.endpoint or code(error) in ("InvalidParameterException", "ValidationException"):
                    return None
                raise
            return found["value"] == "ENABLED"

    def mount_blobs(self) -> None:
        """Lets the registry keep such a layer once: it is pushed once, too."""
        with told("setting BLOB_MOUNTING (ecr:PutAccountSetting)", self._connection):
            self._ecr().put_account_setting(name=_BLOB_MOUNTING, value="ENABLED")

    def _ecr(self) -> ECRClient:
        made: ECRClient = client(self._connection, "ecr")
        return made

    def _s3(self) -> S3Client:
        made: S3Client = client(self._connection, "s3")
        return made
