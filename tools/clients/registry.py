"""The registry's own API, as a Docker engine speaks it: whether all of an image can be pulled. Reads only.

What ECR's API says of an image is what was pushed; whether each of its parts is there is known to the registry alone.
"""

from __future__ import annotations

import requests
from pydantic import BaseModel, ValidationError
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tools.errors import RemoteError
from tools.model.images import Login

_TIMEOUT = (5, 30)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_LONGEST = 4 << 20
"""Bytes of a manifest; registries take no longer one."""
_HERE = ("localhost", "127.0.0.1")
"""Registries that a Docker engine asks without TLS."""


class _Part(BaseModel):
    """What a manifest refers to."""

    digest: str


class _Manifest(BaseModel):
    """Of an image its configuration and layers; of an index its images."""

    config: _Part | None = None
    layers: tuple[_Part, ...] = ()
    manifests: tuple[_Part, ...] = ()


def check_complete(image: str, login: Login) -> None:
    """Makes sure that a registry has an image with all its parts.

    Args:
        image: by digest, e.g. `1234.dkr.ecr.eu-west-1.amazonaws.com/data-flows/x@sha256:…`.
        login: for the registry.

    Raises:
        RemoteError: a part is missing, or the registry does not answer.
    """
    address, _, digest = image.partition("@")
    registry, _, repository = address.partition("/")
    scheme = "http" if registry.partition(":")[0] in _HERE else "https"
    with requests.Session() as session:
        retry = Retry(
            total=3,
            backoff_factor=0.2,
            status_forcelist=(429, 500, 502, 503, 504),
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        session.mount(f"{scheme}://", HTTPAdapter(max_retries=retry))
        session.auth = (login.username, login.password)
        try:
            _check(session, f"{scheme}://{registry}/v2/{repository}", digest, image)
        except (requests.RequestException, ValidationError) as error:
            raise RemoteError(
                f"the registry {registry} does not say whether it has {image}: {error}", "run this again"
            ) from error


def _check(session: requests.Session, url: str, digest: str, image: str) -> None:
    headers = {"Accept": ", ".join(_MANIFESTS)}
    with session.get(
        f"{url}/manifests/{digest}", headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True
    ) as answer:
        if answer.status_code != requests.codes.ok:
            raise _missing(image, f"manifest {digest}", answer.status_code)
        manifest = _Manifest.model_validate_json(next(answer.iter_content(_LONGEST), b""))
    for part in (*([manifest.config] if manifest.config else []), *manifest.layers):
        # A registry may send to where the part lies; that it knows the way is enough.
        found = session.head(f"{url}/blobs/{part.digest}", timeout=_TIMEOUT, allow_redirects=False)
        if found.status_code >= requests.codes.bad_request:
            raise _missing(image, f"part {part.digest}", found.status_code)
    for child in manifest.manifests:
        _check(session, url, child.digest, image)


def _missing(image: str, part: str, status: int) -> RemoteError:
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        return RemoteError(f"the registry does not let {image} be read ({status})", "ask for ecr:BatchGetImage")
    if status != requests.codes.not_found:
        return RemoteError(f"the registry answered {status} for the {part} of {image}", "run this again")
    repository, _, digest = image.partition("/")[2].partition("@")
    return RemoteError(
        f"the registry no longer has all of {image}: its {part} is missing",
        f"delete it (aws ecr batch-delete-image --repository-name {repository} --image-ids imageDigest={digest}) "
        "and run this again: it is pushed anew",
    )
