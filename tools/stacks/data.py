"""The stack of what holds data: the bucket and the log group. It stays when the rest is deleted."""

from __future__ import annotations

from tools.model import names
from tools.stacks.inputs import Inputs
from tools.stacks.template import Resources, Stack, policy, reference, resource, template

RESULTS = "results"
LAKE = "lake"
_RESULT_DAYS = {"Prod": 30}
_LOG_DAYS = {"Prod": 365}
_RESULT_DAYS_ELSEWHERE, _LOG_DAYS_ELSEWHERE = 7, 30

#: What was made by a creation that failed goes with it; from then on it stays, whatever becomes of the stack.
_KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def data_stack(inputs: Inputs) -> Stack:
    """The stack."""
    environment = inputs.place.environment
    resources = {**_bucket(inputs), "LogGroup": _log_group(environment)}
    description = f"data-flows, {environment}: what holds data"
    return Stack(names.stack(environment, "data"), template(description, resources), protected=True)


def _bucket(inputs: Inputs) -> Resources:
    place = inputs.place
    only_tls = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [place.bucket_arn, f"{place.bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    results = {
        "Id": "results",
        "Status": "Enabled",
        "Prefix": f"{RESULTS}/",
        "ExpirationInDays": _RESULT_DAYS.get(place.environment, _RESULT_DAYS_ELSEWHERE),
    }
    uploads = {
        "Id": "incomplete-uploads",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    bucket = {
        "BucketName": place.bucket,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "LifecycleConfiguration": {"Rules": [results, uploads]},
    }
    return {
        "Bucket": resource("S3::Bucket", bucket, **_KEPT),
        "BucketPolicy": resource(
            "S3::BucketPolicy", {"Bucket": reference("Bucket"), "PolicyDocument": policy(only_tls)}, **_KEPT
        ),
    }


def _log_group(environment: str) -> dict[str, object]:
    group = {
        "LogGroupName": names.log_group(environment),
        "RetentionInDays": _LOG_DAYS.get(environment, _LOG_DAYS_ELSEWHERE),
    }
    return resource("Logs::LogGroup", group, **_KEPT)
