"""Small repositories in a temporary directory: services of chosen content, and the tools to run on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import tools

STORAGE = '[docker_storage]\nentrypoint = "flow.py:hello"\n'
"""The two lines that every service.toml needs."""
IGNORE = ".dockerignore\nservice.toml\ntests/\n.venv/\n**/__pycache__/\n"
FLOW = "from prefect import flow\n\n\n@flow\ndef hello(name: str = 'world') -> str:\n    return name\n"
FILES: Mapping[str, str | bytes] = {
    "service.toml": STORAGE,
    "Dockerfile": "FROM base\nCOPY requirements.lock .\nRUN install-requirements requirements.lock\nCOPY . .\n",
    ".dockerignore": IGNORE,
    "flow.py": FLOW,
    "requirements.lock": "",
}


def write(directory: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Writes files below a directory; None removes one."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = directory / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
    return directory


def make_service(root: Path, name: str = "hello", files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """A service under services/ that is right, but for the files given; its flow has its name."""
    function = name.replace("-", "_")
    right = {
        file: content.replace("hello", function) if isinstance(content, str) else content
        for file, content in FILES.items()
    }
    write(root / "services" / name, right)
    return write(root / "services" / name, files or {})


def make_base(root: Path, files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """A base image's directory, or changes to it."""
    return write(root / "base-image", {"Dockerfile": "FROM python:3.13-slim\n", **(files or {})})


class Repository:
    """A repository with a copy of the tools, run as a user runs them: as another process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        home = Path(tools.__file__).parent
        shutil.copytree(home, root / "tools", ignore=lambda at, _: ("tests",) if Path(at) == home else ())
        make_base(root)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`python -m tools …` with this process's variables, less those that lead to a cloud, and some more."""
        return self.call([sys.executable, "-m", "tools", *arguments], **environment)

    def call(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Any command in the repository."""
        foreign = ("AWS_", "PREFECT_", "ENVIRONMENT", "NAME", "PARAMS", "MAKE", "MFLAGS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            command,
            cwd=self.root,
            env={**kept, "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """Every file and what it holds, but for the tools: to see that nothing was written."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
            and not path.is_symlink()
            and path.relative_to(self.root).parts[0] not in ("tools", ".venv")
        }
