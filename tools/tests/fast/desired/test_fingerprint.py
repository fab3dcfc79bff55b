"""The same content gives the same fingerprint, other content another; what must not be in an image is told."""

from __future__ import annotations

import os
import shutil
import string
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.desired import discover
from tools.desired.build_context import MAX_CONTEXT_BYTES
from tools.desired.fingerprint import of_base, of_services
from tools.errors import UserError
from tools.tests.repositories import IGNORE, STORAGE, make_base, make_service, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one service."""
    make_base(tmp_path)
    make_service(tmp_path)
    return tmp_path


def fingerprint(root: Path) -> str:
    """The service's."""
    return of_services(root, discover.services(root))["hello"].value


def problems(root: Path) -> list[str]:
    """What its build context must not hold."""
    with pytest.raises(UserError) as caught:
        fingerprint(root)
    assert caught.value.hint.endswith("to mend; nothing was built or written")
    return caught.value.message.splitlines()


def test_it_is_16_hex_digits(root: Path) -> None:
    found = fingerprint(root)

    assert len(found) == 16
    assert set(found) <= set("0123456789abcdef")


# What changes nothing -------------------------------------------------------------------------------------------------


def cloned(service: Path) -> None:
    """The whole repository elsewhere, made in another order."""
    root = service.parent.parent
    copy = root.with_name("clone")
    for path in sorted((path for path in root.rglob("*") if path.is_file()), reverse=True):
        (copy / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy / path.relative_to(root))
    shutil.rmtree(root)
    copy.rename(root)


def touched(service: Path) -> None:
    """Other times."""
    for path in service.rglob("*"):
        os.utime(path, (1, 1))


def of_another_umask(service: Path) -> None:
    """Other permissions but for the owner's to run it."""
    for path in service.iterdir():
        path.chmod(0o600)
    (service / "run.sh").chmod(0o711)


def link(path: Path, target: str) -> None:
    """Puts a link in a file's place."""
    path.unlink()
    path.symlink_to(target)


NOTHING: dict[str, Callable[[Path], object]] = {
    "the same once more": lambda _: None,
    "another clone": cloned,
    "touched files": touched,
    "another umask": of_another_umask,
    "an empty directory": lambda service: (service / "empty" / "deeper").mkdir(parents=True),
    "a file that is left out": lambda service: write(service, {"tests/test_x.py": "x"}),
    "a changed service.toml": lambda service: write(
        service, {"service.toml": STORAGE + "[ecs_run]\ncpu = 512\nmemory = 1024\n"}
    ),
    "Python's cache": lambda service: write(service, {"deep/__pycache__/x.pyc": b"\0"}),
    "a virtual environment": lambda service: write(service, {".venv/bin/python": "x"}),
    "another service": lambda service: make_service(service.parent.parent, "other"),
    "a change of the tools": lambda service: write(service.parent.parent / "tools", {"x.py": "x"}),
}


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING)
def test_it_stays_with(root: Path, change: Callable[[Path], object]) -> None:
    service = write(root / "services" / "hello", {"run.sh": "x", "deep/er/file": "y"})
    (service / "run.sh").chmod(0o755)
    before = fingerprint(root)

    change(service)
    if change is cloned:  # copying the content loses the right to run it, which git would keep
        (service / "run.sh").chmod(0o755)

    assert fingerprint(root) == before


# What changes it ------------------------------------------------------------------------------------------------------

ANOTHER: dict[str, Callable[[Path], object]] = {
    "a changed file": lambda service: write(service, {"flow.py": (service / "flow.py").read_text() + "#"}),
    "a new file": lambda service: write(service, {"new": ""}),
    "a renamed file": lambda service: (service / "run.sh").rename(service / "start.sh"),
    "a moved file": lambda service: write(service, {"deep/er/file": None, "deep/file": "y"}),
    "a removed file": lambda service: (service / "run.sh").unlink(),
    "the right to run a file": lambda service: (service / "run.sh").chmod(0o755),
    "two files' contents exchanged": lambda service: write(service, {"run.sh": "y", "deep/er/file": "x"}),
    "a link in a file's place": lambda service: link(service / "run.sh", "flow.py"),
    "a link elsewhere": lambda service: link(service / "link", "run.sh"),
    "a changed Dockerfile": lambda service: write(service, {"Dockerfile": "FROM base\n"}),
    "a Dockerfile that is left out of the context": lambda service: write(
        service, {".dockerignore": IGNORE + "Dockerfile\n", "Dockerfile": "FROM base\n"}
    ),
    "a file that is no longer left out": lambda service: write(
        service, {".dockerignore": IGNORE.replace("tests/\n", "")}
    ),
    "a build argument": lambda service: write(service, {"service.toml": STORAGE + 'build_args = { A = "1" }\n'}),
    "the platform": lambda service: write(service, {"service.toml": STORAGE + 'platform = "linux/arm64"\n'}),
    "the Dockerfile's name": lambda service: write(
        service, {"service.toml": STORAGE + 'dockerfile = "Dockerfile.2"\n', "Dockerfile.2": "FROM base\n"}
    ),
    "the base's Dockerfile": lambda service: make_base(
        service.parent.parent, {"Dockerfile": "FROM python:3.14-slim\n"}
    ),
    "the base's lock": lambda service: make_base(service.parent.parent, {"requirements.lock": "prefect==4\n"}),
}


@pytest.mark.parametrize("change", ANOTHER.values(), ids=ANOTHER)
def test_it_changes_with(root: Path, change: Callable[[Path], object]) -> None:
    service = write(root / "services" / "hello", {"run.sh": "x", "deep/er/file": "y", "tests/test_x.py": "z"})
    (service / "link").symlink_to("flow.py")
    before = fingerprint(root)

    change(service)

    assert fingerprint(root) != before


def test_a_build_argument_s_name_is_not_its_value(root: Path) -> None:
    found = set()
    for arguments in ('{ A = "BC" }', '{ AB = "C" }', '{ A = "B", C = "" }', "{ A = \"B'\\narg C = '\" }"):
        make_service(root, "hello", {"service.toml": f"{STORAGE}build_args = {arguments}\n"})
        found.add(fingerprint(root))

    assert len(found) == 4


def test_files_with_odd_names_count_as_any_other(root: Path) -> None:
    service = root / "services" / "hello"
    found = {fingerprint(root)}
    for name in (b"new\nline", b"not \xff UTF-8", "\u00e9".encode(), "e\u0301".encode(), b"'quoted' \\ name"):
        (service / os.fsdecode(name)).write_text("")
        found.add(fingerprint(root))
        (service / os.fsdecode(name)).unlink()
    (service / "link").symlink_to(os.fsdecode(b"to \xff"))
    found.add(fingerprint(root))

    assert len(found) == 7


NAMES = st.text(string.ascii_lowercase[:3], min_size=1, max_size=2)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/".join([*parts[:-1], f"{parts[-1]}.txt"])),
    st.tuples(st.binary(max_size=3), st.booleans()),
    max_size=4,
)


def of_tree(tree: dict[str, tuple[bytes, bool]]) -> str:
    """The fingerprint of a base image of these files, each with or without the right to run it."""
    with tempfile.TemporaryDirectory() as name:
        make_base(Path(name), {path: content for path, (content, _) in tree.items()})
        for path, (_, program) in tree.items():
            (Path(name) / "base-image" / path).chmod(0o755 if program else 0o644)
        return of_base(Path(name)).value


@given(TREES, TREES)
def test_two_trees_have_the_same_exactly_when_they_are_the_same(
    one: dict[str, tuple[bytes, bool]], other: dict[str, tuple[bytes, bool]]
) -> None:
    assert of_tree(one) == of_tree(dict(reversed(one.items())))
    assert (of_tree(one) == of_tree(other)) is (one == other)


# What must not be in an image ---------------------------------------------------------------------------------------

SECRET = "looks like a secret and would be copied into the image; name it in .dockerignore"
OUT = "is a link out of the service's directory; a build context cannot hold it"
CLUTTER = "does not belong into the image, and would change its fingerprint; name it in .dockerignore"
ODD = "is neither a file nor a link; it cannot be in a build context"
BAD_CONTEXTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "an .env": (lambda service: write(service, {".env": "A=1"}), [f".env: {SECRET}"]),
    "an .env of an environment": (
        lambda service: write(service, {"deep/.env.prod": ""}),
        [f"deep/.env.prod: {SECRET}"],
    ),
    "keys": (
        lambda service: write(service, {"tls/server.KEY": "", "tls/ca.pem": "", "id_ed25519": "", "cert.p12": ""}),
        [f"{name}: {SECRET}" for name in ("cert.p12", "id_ed25519", "tls/ca.pem", "tls/server.KEY")],
    ),
    "credentials": (
        lambda service: write(service, {".aws/credentials": "", ".netrc": "", ".pypirc": "", ".pgpass": ""}),
        [f"{name}: {SECRET}" for name in (".aws/credentials", ".netrc", ".pgpass", ".pypirc")],
    ),
    "a link to a secret's name": (lambda service: (service / ".env").symlink_to("flow.py"), [f".env: {SECRET}"]),
    "a link to the directory above": (lambda service: (service / "up").symlink_to("../other/secret"), [f"up: {OUT}"]),
    "a link to the root": (lambda service: (service / "passwd").symlink_to("/etc/passwd"), [f"passwd: {OUT}"]),
    "an absolute link into the directory": (
        lambda service: (service / "again.py").symlink_to(service / "flow.py"),
        [f"again.py: {OUT}"],
    ),
    "a FIFO": (lambda service: os.mkfifo(service / "pipe"), [f"pipe: {ODD}"]),
    "no .dockerignore": (
        lambda service: (service / ".dockerignore").unlink(),
        [".dockerignore: is missing; it keeps service.toml, tests, caches and secrets out of the image"],
    ),
    "an empty .dockerignore": (
        lambda service: write(
            service, {".dockerignore": "", ".venv/bin/python": "", "a/__pycache__/b.pyc": "", "a/__pycache__/c.pyc": ""}
        ),
        [f"{name}: {CLUTTER}" for name in (".venv", "a/__pycache__", "service.toml")],
    ),
}
GOOD_CONTEXTS: dict[str, Callable[[Path], object]] = {
    "an example of an .env": lambda service: write(service, {".env.example": "A="}),
    "a key that is left out": lambda service: write(service, {".dockerignore": IGNORE + "**/*.pem\n", "a/ca.pem": ""}),
    "a link inside": lambda service: (service / "again.py").symlink_to("flow.py"),
    "a link to nothing": lambda service: (service / "later").symlink_to("made/later"),
    "a link to itself": lambda service: (service / "loop").symlink_to("loop"),
    "a public key": lambda service: write(service, {"id_rsa.pub": ""}),
    "a module about keys": lambda service: write(service, {"key.py": "", "credentials_test.txt": ""}),
}


@pytest.mark.parametrize(("change", "expected"), BAD_CONTEXTS.values(), ids=BAD_CONTEXTS)
def test_a_build_context_must_not_hold(root: Path, change: Callable[[Path], object], expected: list[str]) -> None:
    change(root / "services" / "hello")

    assert problems(root) == [f"services/hello/{line}" for line in expected]


@pytest.mark.parametrize("change", GOOD_CONTEXTS.values(), ids=GOOD_CONTEXTS)
def test_a_build_context_may_hold(root: Path, change: Callable[[Path], object]) -> None:
    change(root / "services" / "hello")

    assert fingerprint(root)


def test_a_context_of_gigabytes_is_told_and_not_read(root: Path) -> None:
    big = root / "services" / "hello" / "data.bin"
    big.touch()
    os.truncate(big, 3 * 2**30)

    expected = f"the build context has 3072 MB; at most {MAX_CONTEXT_BYTES // 2**20} MB go into an image"
    assert problems(root) == [f"services/hello: {expected}; name it in .dockerignore"]


def test_the_problems_of_all_services_are_told_at_once(root: Path) -> None:
    make_service(root, "other", {".env": ""})
    write(root / "services" / "hello", {"a.pem": "", "b.pem": ""})

    assert problems(root) == [
        f"services/hello/a.pem: {SECRET}",
        f"services/hello/b.pem: {SECRET}",
        f"services/other/.env: {SECRET}",
    ]


def test_a_file_s_odd_name_is_shown_harmlessly(root: Path) -> None:
    write(root / "services" / "hello", {"a\x1b[31m\n.pem": ""})

    assert problems(root) == [f"services/hello/'a\\x1b[31m\\n.pem': {SECRET}"]
