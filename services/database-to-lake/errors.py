"""What can go wrong for reasons outside this service: the text is all that a reader of the run's log needs.

CopyError
|-- SourceError          the source: not reachable, no permission, no such table or column, values that do not fit
|-- LakeError            the lake: not reachable, not readable or writable, an object that a manifest names is gone
|-- SchemaConflictError  the source's columns no longer fit those of the lake
`-- LostRaceError        another run committed the same table first
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit


class CopyError(Exception):
    """A run that cannot go on. Its text is one message without secrets."""


class SourceError(CopyError):
    """The source does not give what was asked for."""


class LakeError(CopyError):
    """The lake does not take or give what was asked for."""


class SchemaConflictError(CopyError):
    """Source and lake disagree about columns in a way that no widening mends."""


class LostRaceError(CopyError):
    """Another run committed the table first; nothing of this one is in the lake."""


def without_secrets(url: str) -> str:
    """The URL with its password and its query, which may hold one, left out; what is no URL at all stays unshown."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(a URL that cannot be read)"
    if not parts.scheme:
        return "(not a URL)"
    if "://" not in url:
        return f"{parts.scheme}:…"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def scrubbed(text: str, url: str) -> str:
    """A foreign message on one line, without the password of the URL, whichever way that is spelled."""
    found = re.search(r"://[^:/@]*:(.*)@", url)
    passwords = [found.group(1)] if found else []
    passwords += re.findall(r"[?&]password=([^&]*)", url)
    for password in sorted({*passwords, *map(unquote, passwords)} - {""}, key=len, reverse=True):
        text = text.replace(password, "***")
    return " ".join(text.split("\n\nDebug source:")[0].split())
