"""A PostgreSQL server of one's own, for tests and bench: on a port of loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_postgres(options: Mapping[str, str]) -> Iterator[str]:
    """The URL of a server, to which the name of a database is to be added; its user `flows` may do anything."""
    with tempfile.TemporaryDirectory(prefix="data-flows-postgres-") as directory:
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody", "nogroup")
        port, data = _free_port(), f"{directory}/data"
        create = ["-D", data, "-U", "flows", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(_not_as_root("initdb", *create), check=True, stdout=subprocess.DEVNULL, cwd=directory)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": directory, **options}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        start = _not_as_root("postgres", "-D", data, "-p", str(port), *arguments)
        with (
            (Path(directory) / "log").open("wb") as log,
            subprocess.Popen(start, stdout=log, stderr=log, cwd=directory) as process,
        ):
            try:
                _await_ready(process, port, Path(directory) / "log")
                yield f"postgresql://flows@127.0.0.1:{port}"
            finally:
                process.terminate()


def postgres_program(name: str) -> str | None:
    """Where one of PostgreSQL's programs is. Debian keeps the server's off PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((str(path / name) for path in places if (path / name).exists()), None) or shutil.which(name)


def _not_as_root(name: str, *arguments: str) -> list[str]:
    """The command; PostgreSQL refuses to run as root."""
    command = [postgres_program(name) or name, *arguments]
    return (
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command] if os.geteuid() == 0 else command
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ready = [postgres_program("pg_isready") or "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(600):
        if subprocess.run(ready, check=False).returncode == 0:
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
