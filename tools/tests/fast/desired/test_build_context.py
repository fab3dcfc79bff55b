"""A build context holds what BuildKit takes into it, no more and no less.

The rows were compared with what `docker buildx build` sends for a `COPY . /` of the same tree.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.desired.build_context import files
from tools.errors import UserError
from tools.tests.repositories import write

TREE = ("Dockerfile", "a/a.py", "a/b/c.py", "a/b/d.txt", "a/tests/t.py", "b.py", "b.pyc", "x y/z", "é.txt")
A = ("a/a.py", "a/b/c.py", "a/b/d.txt", "a/tests/t.py")

ROWS: dict[str, tuple[str, set[str]]] = {
    "nothing": ("", set()),
    "a comment": ("# b.py\n #b.py\n", set()),
    "a file": ("b.py\n", {"b.py"}),
    "a directory": ("a\n", set(A)),
    "a directory with /": ("a/\n", set(A)),
    "from the root": ("/a/b\n", {"a/b/c.py", "a/b/d.txt"}),
    "with ./ and ..": ("./x/../b.py\n", {"b.py"}),
    "spaces around it": ("   b.py  \n", {"b.py"}),
    "a space inside": ("x y\n", {"x y/z"}),
    "a letter beyond ASCII": ("é*\n", {"é.txt"}),
    "a byte order mark": ("\ufeffb.py\n", {"b.py"}),
    "Windows line ends": ("b.py\r\na\r\n", {"b.py", *A}),
    "* stops at /": ("*.py\n", {"b.py"}),
    "* in a directory": ("a/*.py\n", {"a/a.py"}),
    "? is one sign": ("b.p?c\n", {"b.pyc"}),
    "a set": ("[a-c].py\n", {"b.py"}),
    "all but a set": ("[^a]*.py*\n", {"b.py", "b.pyc"}),
    "**/ is any depth": ("**/*.py\n", {"a/a.py", "a/b/c.py", "a/tests/t.py", "b.py"}),
    "**/ of a directory": ("**/tests\n", {"a/tests/t.py"}),
    "** at the end": ("a/**\n", set(A)),
    "** in the middle": ("a/**/c.py\n", {"a/b/c.py"}),
    "everything": ("*\n", {*TREE} - {"Dockerfile"}),
    "everything but one": ("*\n!b.py\n", {*TREE} - {"Dockerfile", "b.py"}),
    "everything but what lies deep": ("*\n!a/b/c.py\n", {*TREE} - {"Dockerfile", "a/b/c.py"}),
    "everything but a directory": ("*\n!a/b\n", {*TREE} - {"Dockerfile", "a/b/c.py", "a/b/d.txt"}),
    "everything but Python at any depth": (
        "*\n!**/*.py\n",
        {"b.pyc", "x y/z", "é.txt", "a/b/d.txt"},
    ),
    "a directory but Python in it": ("a\n!a/*/*.py\n", {"a/a.py", "a/b/d.txt"}),
    "kept, then left out": ("!b.py\nb.py\n", {"b.py"}),
    "the last line decides": ("a\n!a/b\na/b/c.py\n", {"a/a.py", "a/tests/t.py", "a/b/c.py"}),
    "the Dockerfile stays": ("Dockerfile\n", set()),
    "a sign taken as it is": ("b\\.py\n", {"b.py"}),
}


@pytest.mark.parametrize(("ignore", "left_out"), ROWS.values(), ids=ROWS)
def test_dockerignore_leaves_out(tmp_path: Path, ignore: str, left_out: set[str]) -> None:
    write(tmp_path, dict.fromkeys(TREE, ""))
    (tmp_path / ".dockerignore").write_bytes(ignore.encode())

    assert {*TREE} - {*files(tmp_path)} == left_out


def test_the_ignore_file_itself_is_in_the_context_unless_it_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": "", ".dockerignore": "x\n"})
    assert files(tmp_path) == [".dockerignore", "Dockerfile"]

    write(tmp_path, {".dockerignore": ".dockerignore\n"})
    assert files(tmp_path) == ["Dockerfile"]


def test_a_dockerfiles_own_ignore_file_goes_first(tmp_path: Path) -> None:
    own = {"docker/Dockerfile": "", "docker/Dockerfile.dockerignore": "*\n!a\n", ".dockerignore": "a\n"}
    write(tmp_path, {**own, "a": "", "b": ""})

    assert files(tmp_path, "docker/Dockerfile") == ["a", "docker/Dockerfile"]


def test_links_are_not_followed_and_directories_are_not_listed(tmp_path: Path) -> None:
    write(tmp_path, {"a/b": "", "Dockerfile": ""})
    (tmp_path / "empty").mkdir()
    (tmp_path / "to-a").symlink_to("a")
    (tmp_path / "loop").symlink_to("loop")

    assert files(tmp_path) == ["Dockerfile", "a/b", "loop", "to-a"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("!", "'!' alone says nothing"),
        ("! /", "'!' alone says nothing"),
        ("a[b", "'a[b' is no pattern: its [ has no ], or holds [ or \\"),
        ("a\\", "'a\\' is no pattern: a \\ may stand before a sign only, not before a letter or the end"),
        ("\\d", "'\\d' is no pattern: a \\ may stand before a sign only, not before a letter or the end"),
    ],
)
def test_a_line_that_buildkit_would_refuse_or_misread_is_told(tmp_path: Path, line: str, why: str) -> None:
    write(tmp_path, {".dockerignore": f"# first\n{line}\n"})

    with pytest.raises(UserError) as caught:
        files(tmp_path)

    assert caught.value.message == f"{tmp_path}/.dockerignore:2: {why}"


def test_an_ignore_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    write(tmp_path, {".dockerignore": b"a\n\xff\n"})

    with pytest.raises(UserError, match="not UTF-8 at byte 2"):
        files(tmp_path)
