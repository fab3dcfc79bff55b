"""What cannot be shown is known, and nothing else is."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from texts import showable, unshowable


@given(st.text(st.characters(exclude_categories=[], max_codepoint=0x10FFFF)))
def test_what_is_made_showable_is_xml_and_as_long_as_before(text: str) -> None:
    shown = showable(text)
    element = ElementTree.Element("a")
    element.text = shown
    assert ElementTree.fromstring(ElementTree.tostring(element)).text in (
        shown.replace("\r", "\n"),
        shown or None,
        shown,
    )
    assert len(shown) == len(text)
    assert unshowable(shown) is None
    assert (shown == text) == (unshowable(text) is None)


def test_the_first_character_that_cannot_be_shown_is_told() -> None:
    assert unshowable("a\tb\n\x1b[31m\0") == (4, "the character U+001B cannot be shown")
