"""The embedded source."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from errors import SourceError
from source.sample import sample_database

SERVICE = Path(__file__).parents[2]
BUILD = "from source.sample import sample_database; sample_database()"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_FLOWS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def counts(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def test_the_sample_holds_the_year_2013(data: Path) -> None:
    path = sample_database()
    assert counts(path) == {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}
    with sqlite3.connect(path) as connection:
        first = connection.execute("SELECT year, dep_time, carrier, tailnum, time_hour FROM flights LIMIT 1").fetchone()
        assert first == (2013, 517, "UA", "N14228", "2013-01-01T10:00:00Z")
        assert connection.execute("SELECT count(*) FROM flights WHERE tailnum IS NULL").fetchone() == (2512,)


def test_an_interrupted_build_leaves_no_database_and_the_next_one_is_whole(data: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", BUILD], cwd=SERVICE) as build:
        deadline = time.monotonic() + 30
        while not list(data.glob(".building-*/nycflights13.sqlite")) and time.monotonic() < deadline:
            time.sleep(0.01)
        build.send_signal(signal.SIGKILL)
    assert not (data / "nycflights13.sqlite").exists()
    assert counts(sample_database())["flights"] == 336776


def test_two_builds_at_once_do_not_disturb_each_other(data: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: sample_database(), range(2)))
    assert counts(paths[0])["flights"] == 336776
    assert [path.name for path in data.iterdir()] == ["nycflights13.sqlite"]


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_FLOWS_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(SourceError, match="set DATA_FLOWS_DATA to another"):
        sample_database()
