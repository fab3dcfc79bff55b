"""No text that is not ours does anything to a terminal, and none of it is turned into something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from tools.errors import UserError
from tools.show.terminal import clean, complain, console, print_json, say, tell

HOSTILE = {
    "a title": "\x1b]0;owned\x07",
    "a colour": "\x1b[31mred\x1b[0m",
    "a cleared screen": "\x1b[2J\x1b[H",
    "an old control": "\x9b31m",
    "a return": "all is well\rerror",
    "backspaces": "rm\b\b",
    "text turned round": "\u202egnp.exe",
    "a delete": "a\x7fb",
    "a NUL": "a\0b",
}


def harmless(text: str) -> bool:
    """Whether nothing but lines of text is left."""
    return all(sign.isprintable() or sign in "\n\t\u2026" for sign in text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_way_of_printing_is_clean(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    console().print(text, Text(text), table, markup=False)
    complain(UserError(text, text))
    say(text)
    tell(text)
    print_json({text: text})

    printed = capsys.readouterr()
    assert harmless(printed.out)
    assert harmless(printed.err)
    assert "\ufffd" in printed.err


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_machines_get_the_text_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": text})
    assert json.loads(capsys.readouterr().out) == {"text": text}


def test_a_word_between_colons_stays_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("a :warning: of :smile:")
    complain(UserError("at :boom:"))
    printed = capsys.readouterr()
    assert printed.out == "a :warning: of :smile:\n"
    assert printed.err == "error: at :boom:\n"


@given(st.text())
def test_what_is_clean_has_its_length_and_stays_clean(text: str) -> None:
    assert len(clean(text)) == len(text)
    assert clean(clean(text)) == clean(text)
    assert not [sign for sign in clean(text) if sign < " " and sign not in "\t\n"]
