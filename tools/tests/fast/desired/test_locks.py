"""What a lock pins, and what may be installed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.desired.locks import allowed, pins
from tools.errors import UserError

LOCK = """\
alembic==1.20.1 \\
    --hash=sha256:0
Moto[server,s3]==5.2.5 \\
    --hash=sha256:1
networkx==3.6.1 ; python_full_version < '3.12' \\
    --hash=sha256:2
networkx==3.7 ; python_full_version >= '3.12' \\
    --hash=sha256:3
ruamel.yaml_clib==0.2.15 ; platform_python_implementation == 'CPython' \\
    --hash=sha256:4
"""


def test_a_lock_pins_a_version_of_each_package(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(LOCK)

    assert pins(tmp_path / "requirements.lock") == {
        "alembic": "1.20.1",
        "moto": "5.2.5",
        "networkx": "3.7",
        "ruamel-yaml-clib": "0.2.15",
    }


def test_a_lock_that_is_missing_is_one_clear_error(tmp_path: Path) -> None:
    for read in (pins, allowed):
        with pytest.raises(UserError, match=r"requirements\.lock is missing"):
            read(tmp_path / "requirements.lock")


def test_what_is_for_some_machines_only_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(LOCK)

    assert allowed(tmp_path / "requirements.lock") == {
        "alembic": {"1.20.1"},
        "moto": {"5.2.5"},
        "networkx": {"3.6.1", "3.7", ""},
        "ruamel-yaml-clib": {"0.2.15", ""},
    }
