"""What is built is what the fingerprint is made of, and looks alike on every machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import docker
import pytest

from tools.clients.bake import build
from tools.clients.stage import staged
from tools.desired.discover import services
from tools.desired.fingerprint import of_services
from tools.errors import UserError
from tools.model.images import Target
from tools.repository import BASE_DIRECTORY, ROOT
from tools.tests.repositories import make_base, make_service
from tools.tests.samples import unique


def closed(root: Path) -> None:
    """Leaves nothing for others to read, as a clone under umask 077."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & 0o700)


def test_a_copy_has_the_files_of_the_context_and_its_ignore_file_and_nothing_else(tmp_path: Path) -> None:
    home = make_service(tmp_path, "hello", {"lake/deep/x.py": "", "tests/test_x.py": "", "run.sh": "#!/bin/sh\n"})
    (home / "run.sh").chmod(0o744)
    (home / "link").symlink_to("flow.py")
    closed(home)

    with staged([(home, "Dockerfile")]) as copies:
        copy = copies[home, "Dockerfile"]
        modes = {path.relative_to(copy).as_posix(): oct(stat.S_IMODE(path.lstat().st_mode)) for path in copy.rglob("*")}
        assert (copy / "link").readlink() == Path("flow.py")
    assert {name: mode for name, mode in modes.items() if name != "link"} == {
        ".dockerignore": "0o644",
        "Dockerfile": "0o644",
        "flow.py": "0o644",
        "lake": "0o755",
        "lake/deep": "0o755",
        "lake/deep/x.py": "0o644",
        "requirements.lock": "0o644",
        "run.sh": "0o755",
    }
    assert not copy.exists()


def test_times_follow_from_the_content_and_lie_in_the_past(tmp_path: Path) -> None:
    one, other = (make_service(tmp_path, name, {"a.py": "1", "b.py": "1"}) for name in ("one", "other"))
    (other / "b.py").write_text("2")
    for path in other.rglob("*"):
        os.utime(path, (0, 0))

    with staged([(one, "Dockerfile"), (other, "Dockerfile")]) as copies:
        times = {
            (home.name, name): (copies[home, "Dockerfile"] / name).stat().st_mtime_ns
            for home in (one, other)
            for name in ("a.py", "b.py")
        }
    assert times["one", "a.py"] == times["one", "b.py"] == times["other", "a.py"]
    assert times["other", "b.py"] != times["one", "b.py"]
    assert all(315_532_800 <= when / 1e9 < 1_400_000_000 for when in times.values())


def test_where_there_is_no_place_for_a_copy_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/self")
    with pytest.raises(UserError, match="there is no place for a copy of what is built: ") as caught, staged([]):
        pass
    assert "TMPDIR" in caught.value.hint


def test_modes_change_no_fingerprint_but_a_program_s(tmp_path: Path) -> None:
    make_base(tmp_path)
    home = make_service(tmp_path)
    before = of_services(tmp_path, services(tmp_path))
    closed(tmp_path)
    assert of_services(tmp_path, services(tmp_path)) == before
    (home / "flow.py").chmod(0o700)
    assert of_services(tmp_path, services(tmp_path)) != before


def test_a_file_that_goes_meanwhile_is_one_clear_error(tmp_path: Path) -> None:
    home = make_service(tmp_path)
    (home / "flow.py").unlink()
    (home / "flow.py").mkdir(mode=0o000)
    (home / "gone").symlink_to("nowhere")
    with staged([(home, "Dockerfile")]) as copies:
        assert (copies[home, "Dockerfile"] / "gone").is_symlink()
    (home / "fifo.py").write_text("")
    with pytest.raises(UserError, match="cannot be copied for the build"), staged([(home / "no", "Dockerfile")]):
        pass


@pytest.mark.docker
def test_what_only_its_owner_may_read_can_be_read_by_the_flow_s_user(tmp_path: Path) -> None:
    name = unique("bake")
    home = make_service(tmp_path, "hello", {"Dockerfile": "FROM base\nCOPY . .\n", "lake/__init__.py": "X = 1\n"})
    closed(tmp_path)

    target = Target(name, "0" * 16, home, "Dockerfile", {}, "linux/amd64")
    assert build(ROOT / BASE_DIRECTORY, [target], lambda *_: None) == {}

    client = docker.from_env()
    try:
        said = client.containers.run(
            target.tag, ["python", "-c", "import lake, flow, os; print(lake.X, os.getuid() != 0)"], remove=True
        )
    finally:
        client.images.remove(target.tag, force=True)
    assert said.decode().strip() == "1 True"


@pytest.mark.docker
def test_a_file_that_kept_its_size_is_built_anew_also_where_another_service_has_one_of_its_name(tmp_path: Path) -> None:
    """BuildKit compares names, sizes, modes and times, across the contexts of all services."""
    client, found = docker.from_env(), []
    for content in ("one", "two", "six"):
        name = unique("size")
        home = make_service(tmp_path, name, {"flow.py": f"print('{content}')\n"})
        target = Target(name, "0" * 16, home, "Dockerfile", {}, "linux/amd64")
        assert build(ROOT / BASE_DIRECTORY, [target], lambda *_: None) == {}
        try:
            found.append(client.containers.run(target.tag, ["python", "flow.py"], remove=True).decode().strip())
        finally:
            client.images.remove(target.tag, force=True)
    assert found == ["one", "two", "six"]
