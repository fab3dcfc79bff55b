"""ARCHITECTURE.md and CONTRIBUTING.md name only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.repository import ROOT

PAGES = ["ARCHITECTURE.md", "CONTRIBUTING.md"]
TOP = {path.name for path in ROOT.iterdir()}


def text(page: str) -> str:
    """A page."""
    return (ROOT / page).read_text("utf-8")


def named(page: str) -> set[str]:
    """What looks like a path of the repository in a page's code spans and links."""
    spans = re.findall(r"`([^`\n]+)`|\]\(([^)#]+)\)", text(page))
    words = {one or other for one, other in spans}
    return {word for word in words if word.split("/")[0].split("::")[0] in TOP and " " not in word and "<" not in word}


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    found = named(page)
    assert len(found) > 10
    for word in found:
        path, _, test = word.partition("::")
        assert (ROOT / path).exists(), word
        assert not test or f"def {test}(" in (ROOT / path).read_text("utf-8"), word


@pytest.mark.parametrize("page", PAGES)
def test_every_target_and_verb_that_a_page_names_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`make ([a-z-]+)", text(page)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    arguments = (ROOT / "tools/arguments.py").read_text("utf-8")
    for verb in re.findall(r"python -m tools ([a-z]+)", text(page)):
        assert f'add("{verb}"' in arguments or f'"{verb}",' in arguments, verb


def test_every_room_is_drawn() -> None:
    rooms = {path.name for path in (ROOT / "tools").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    page = text("ARCHITECTURE.md")
    assert {room for room in rooms if f"`tools/{room}/`" not in page} == set()


def test_a_promise_is_proven_by_a_test_or_said_not_to_be() -> None:
    rows = re.findall(r"^\| (I\d+) \|.*\| (.+) \|$", text("ARCHITECTURE.md"), re.MULTILINE)
    assert len(rows) > 15
    for number, proof in rows:
        assert "tests/" in proof or "the same two" in proof or proof.startswith("not proven"), number
    begun = {int(number[1:]) for number, _ in rows}
    rest = {
        int(number) for number in re.findall(r"I(\d+)", text("ARCHITECTURE.md").split("Not begun:")[1].split("##")[0])
    }
    assert begun | rest == set(range(1, 27))


def test_both_pages_are_short() -> None:
    assert sum(len(text(page).splitlines()) for page in PAGES) < 300


def test_the_readme_leads_to_both() -> None:
    readme = Path(ROOT / "README.md").read_text("utf-8")
    assert {page for page in PAGES if f"({page})" not in readme} == set()
