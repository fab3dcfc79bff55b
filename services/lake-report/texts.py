"""Which characters a text may have that people are shown.

Pages and drawings are XML, which has no place for the others at all: the library that draws does not refuse them but
ends the process, and the database behind Prefect refuses one of them. So every text that comes into this service
passes here: what the lake and its data say is made showable, what a report's files say is refused.
"""

from __future__ import annotations

import re

_UNSHOWABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def showable(text: str) -> str:
    """The text with a mark in the place of each character that cannot be shown."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def unshowable(text: str) -> tuple[int, str] | None:
    """Where in a text the first character is that cannot be shown, and what is to be said about it."""
    found = _UNSHOWABLE.search(text)
    return (found.start(), f"the character U+{ord(found[0]):04X} cannot be shown") if found else None
