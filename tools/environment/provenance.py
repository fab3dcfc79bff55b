"""Who deploys what, and when: git's commit and branch, the person or the CI job, the time in UTC."""

from __future__ import annotations

import getpass
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tools.plan.results import Provenance


def provenance(root: Path) -> Provenance:
    """As it is now. The commit bears `+changes` where the tree differs from it, and is empty outside git."""
    return Provenance(_commit(root), actor(), datetime.now(UTC).isoformat(timespec="seconds"))


def actor() -> str:
    """Who is at work: whoever started the CI job, else the user of this machine."""
    return os.environ.get("GITHUB_ACTOR") or _user()


def branch(root: Path) -> str:
    """The git branch that is checked out; empty where there is none: a detached HEAD, no git."""
    return _git(root, "symbolic-ref", "--quiet", "HEAD").removeprefix("refs/heads/")


def origin(root: Path) -> str:
    """The address of the git remote `origin`; empty where there is none."""
    return _git(root, "remote", "get-url", "origin")


def _commit(root: Path) -> str:
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return ""
    return f"{commit}+changes" if _git(root, "status", "--porcelain", "--", "services", "base-image") else commit


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
