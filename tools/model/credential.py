"""What a Prefect API wants to see of whoever asks it: a key, or a user and a password."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Literal

CredentialName = Literal["PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"]
KEY: CredentialName = "PREFECT_API_KEY"
"""Prefect Cloud's, or that of whatever stands before a server."""
AUTH_STRING: CredentialName = "PREFECT_API_AUTH_STRING"
"""USER:PASSWORD, of a server of one's own."""
CREDENTIALS: tuple[CredentialName, ...] = (KEY, AUTH_STRING)

#: What each must be like, and that in words.
FORMS: dict[CredentialName, tuple[str, str]] = {
    KEY: ("[!-~]+", "letters, digits and signs of ASCII without spaces"),
    AUTH_STRING: ("[!-9;-~]+:[ -~]*[!-~]", "USER:PASSWORD in letters, digits and signs of ASCII"),
}
#: What each is called.
WORDS: dict[CredentialName, str] = {KEY: "key", AUTH_STRING: "user and password"}


@dataclass(frozen=True)
class Credential:
    """One of them."""

    name: CredentialName
    value: str = field(repr=False)

    @property
    def header(self) -> str:
        """What a request says as `Authorization`, as Prefect's own client does."""
        return f"Bearer {self.value}" if self.name == KEY else f"Basic {self._encoded}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be shown nowhere."""
        return (self.value,) if self.name == KEY else (self.value, self._encoded, self.value.partition(":")[2])

    @property
    def _encoded(self) -> str:
        return base64.b64encode(self.value.encode("utf-8", "replace")).decode()
