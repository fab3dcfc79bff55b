"""The registry's own API, as a Docker engine speaks it: whether all of an image can be pulled. Reads only.

What ECR's API says of an image is what was pushed; whether each of its parts is there is known to the registry alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import requests
from pydantic import BaseModel, ValidationError
from requests.exceptions import SSLError
from urllib3.exceptions import HTTPError

from tools.clients import bounds
from tools.clients.adapter import Adapter
from tools.errors import PassingError, RemoteError, ToolsError, UserError
from tools.model.images import Login

_TIMEOUT = (bounds.CONNECT_SECONDS, bounds.READ_SECONDS)
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
        UserError: this machine trusts no certificate of the registry's.
        RemoteError: a part is missing, or the registry does not answer.
    """
    address, _, digest = image.partition("@")
    registry, _, repository = address.partition("/")
    scheme = "http" if registry.partition(":")[0] in _HERE else "https"
    with requests.Session() as session:
        session.mount(f"{scheme}://", Adapter())
        session.auth = (login.username, login.password)
        asked = _Registry(session, f"{scheme}://{registry}/v2/{repository}", image, login)
        try:
            asked.check(digest)
        except ValidationError as error:
            raise RemoteError(asked.unclear(error), "look what answers there") from error


@dataclass(frozen=True)
class _Registry:
    """A repository of a registry, asked for an image."""

    session: requests.Session
    url: str
    image: str
    login: Login

    def check(self, digest: str) -> None:
        """Makes sure that a manifest is there, and all that it refers to."""
        status, content = self._ask("GET", f"manifests/{digest}", f"manifest {digest}")
        if status != requests.codes.ok:
            raise _missing(self.image, f"manifest {digest}", status)
        manifest = _Manifest.model_validate_json(content)
        for part in (*([manifest.config] if manifest.config else []), *manifest.layers):
            # A registry may send to where the part lies; that it knows the way is enough.
            status, _ = self._ask("HEAD", f"blobs/{part.digest}", f"part {part.digest}")
            if status >= requests.codes.bad_request:
                raise _missing(self.image, f"part {part.digest}", status)
        for child in manifest.manifests:
            self.check(child.digest)

    def unclear(self, why: object) -> str:
        """What is said of a registry that does not answer as one."""
        registry = self.image.partition("/")[0]
        return f"the registry {registry} does not say whether it has {self.image}: {self._shown(why)}"

    def _ask(self, method: str, path: str, part: str) -> tuple[int, bytes]:
        """Status and body of an answer; what passes is asked again."""
        return bounds.patiently(lambda: self._asked(method, path, part))

    def _asked(self, method: str, path: str, part: str) -> tuple[int, bytes]:
        headers = {"Accept": ", ".join(_MANIFESTS)}
        try:
            with self.session.request(
                method, f"{self.url}/{path}", headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                content = next(answer.iter_content(_LONGEST), b"")
        except (requests.RequestException, HTTPError, OSError) as error:
            raise self._unasked(error) from error
        status = answer.status_code
        if status >= requests.codes.server_error or status == requests.codes.too_many_requests:
            raise PassingError(
                f"the registry answered {status} for the {part} of {self.image}",
                "run this again",
                tries=bounds.LOST if status == requests.codes.server_error else bounds.BUSY,
                after=bounds.retry_after(answer.headers),
            )
        return status, content

    def _unasked(self, error: Exception) -> ToolsError:
        passes = isinstance(error, requests.RequestException | HTTPError) and not isinstance(error, SSLError)
        if passes:
            return PassingError(self.unclear(error), "run this again", tries=bounds.ABSENT)
        # Not requests' own where a file of certificates is missing.
        return UserError(self.unclear(error), bounds.certificates("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))

    def _shown(self, said: object) -> str:
        return bounds.shown(said, self.login.password)


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
