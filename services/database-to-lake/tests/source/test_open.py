"""Which source a URL means, and what is said of one that means none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from errors import SourceError
from source.open import open_source

SERVICE = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://flows:open%20sesame@127.0.0.1:1/source",
        "postgresql://127.0.0.1:1/source?user=flows&password=open%20sesame",
        "postgresql://flows:open%sesame@127.0.0.1:1/source",
        "mysql://flows:open%20sesame@127.0.0.1/source",
        "postgresql:flows:open%20sesame@127.0.0.1",
        "flows:open%20sesame@127.0.0.1/source",
    ],
)
def test_a_source_that_cannot_be_reached_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SourceError) as raised, open_source(url):
        pass
    assert "sesame" not in str(raised.value)


def test_a_sample_that_there_is_not_is_told() -> None:
    with pytest.raises(SourceError, match="there is no sample:x; the embedded source is called sample:nycflights13"):
        open_source("sample:x")


def test_only_the_driver_that_is_needed_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    program = """
import sys
from source.open import open_source
before = {name for name in sys.modules if name.startswith(("adbc_driver_", "source."))}
with open_source(sys.argv[1]):
    pass
print(*sorted(before), sep=",")
print("adbc_driver_sqlite" in sys.modules, "adbc_driver_postgresql" in sys.modules)
"""
    command = [sys.executable, "-c", program, f"sqlite:///{tmp_path}/empty.db"]
    found = subprocess.run(command, cwd=SERVICE, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert found.splitlines() == ["source.open,source.relation", "True False"]
