"""ECR: which images are there, repositories for them, the login for a push, and removal. Never overwrites a tag."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import TypeAdapter

from tools.clients.aws import client, code, text, told
from tools.clients.bounds import finite
from tools.errors import RemoteError
from tools.model.images import Image, Login
from tools.settings import Connection

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient


class Ecr:
    """The images of an environment."""

    def __init__(self, connection: Connection, registry: str | None) -> None:
        self._connection = connection
        self._registry = registry

    @cached_property
    def _client(self) -> ECRClient:
        made: ECRClient = client(self._connection, "ecr")
        return made

    def warm_up(self) -> None:
        """Makes the client now: making one is slow and not safe in threads, using it is."""
        _ = self._client

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest that the registry reports for a tag; None where there is no such image or repository."""
        with told(f"looking for {repository}:{tag} (ecr:DescribeImages)", self._connection):
            try:
                answer = self._client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
            except ClientError as error:
                if code(error) in ("RepositoryNotFoundException", "ImageNotFoundException"):
                    return None
                raise
            return text(answer["imageDetails"][0]["imageDigest"]) if answer["imageDetails"] else None

    def holds(self, repository: str, digest: str) -> bool:
        """Whether the registry still has an image of a digest."""
        with told(f"looking for {repository}@{digest} (ecr:DescribeImages)", self._connection):
            try:
                answer = self._client.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])
            except ClientError as error:
                if code(error) in ("RepositoryNotFoundException", "ImageNotFoundException"):
                    return False
                raise
            return bool(answer["imageDetails"])

    def list_repositories(self, prefix: str) -> list[str]:
        """The repositories whose names begin with a prefix."""
        doing = "listing the repositories (ecr:DescribeRepositories)"
        with told(doing, self._connection):
            pages = self._client.get_paginator("describe_repositories").paginate()
            names = [text(item["repositoryName"]) for page in finite(pages, doing) for item in page["repositories"]]
        return sorted(name for name in names if name.startswith(prefix))

    def images(self, repository: str) -> list[Image]:
        """Every image of a repository."""
        doing = f"listing the images of {repository} (ecr:DescribeImages)"
        with told(doing, self._connection):
            pages = self._client.get_paginator("describe_images").paginate(repositoryName=repository)
            return [
                _IMAGE(
                    {
                        "repository": repository,
                        "digest": item["imageDigest"],
                        "tags": tuple(sorted(item.get("imageTags", ()))),
                        "pushed_at": item["imagePushedAt"],
                        "size": item.get("imageSizeInBytes", 0),
                    }
                )
                for page in finite(pages, doing)
                for item in page["imageDetails"]
            ]

    def remove(self, image: Image) -> None:
        """Deletes an image with its tags. One that is gone already is done.

        Raises:
            RemoteError: ECR kept it, and why.
        """
        with told(f"deleting {image.repository}@{image.digest} (ecr:BatchDeleteImage)", self._connection):
            answer = self._client.batch_delete_image(
                repositoryName=image.repository, imageIds=[{"imageDigest": image.digest}]
            )
            kept = [item for item in answer["failures"] if item.get("failureCode") != "ImageNotFound"]
            why = [item.get("failureReason") or item.get("failureCode") for item in kept]
        if why:
            raise RemoteError(f"ECR kept {image.repository}@{image.digest}: {why[0]}")

    def ensure(self, repository: str) -> None:
        """Makes the repository where it is missing: immutable tags, scan on push."""
        with told(f"creating the repository {repository} (ecr:CreateRepository)", self._connection):
            try:
                made = self._client.create_repository(
                    repositoryName=repository,
                    imageTagMutability="IMMUTABLE",
                    imageScanningConfiguration={"scanOnPush": True},
                )
            except ClientError as error:
                if code(error) != "RepositoryAlreadyExistsException":
                    raise
            else:
                text(made["repository"]["repositoryName"])

    def address(self, repository: str) -> str:
        """Where the repository is pushed to and pulled from, e.g. `1234.dkr.ecr.eu-west-1.amazonaws.com/data-flows/x`.

        Raises:
            RemoteError: the repository does not exist.
        """
        if self._registry:
            return f"{self._registry}/{repository}"
        with told(f"reading the address of {repository} (ecr:DescribeRepositories)", self._connection):
            answer = self._client.describe_repositories(repositoryNames=[repository])
            return text(answer["repositories"][0]["repositoryUri"])

    def login(self) -> Login:
        """A fresh login for the registry."""
        with told("logging in to the registry (ecr:GetAuthorizationToken)", self._connection):
            data = self._client.get_authorization_token()["authorizationData"]
            token = base64.b64decode(data[0]["authorizationToken"]).decode() if data else ""
        username, _, password = token.partition(":")
        if not password:
            raise RemoteError("ECR gave no authorization token", "run this again")
        return Login(username, password)


_IMAGE = TypeAdapter(Image).validate_python
