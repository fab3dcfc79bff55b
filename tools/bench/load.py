"""Part `load`: the service's own bench, in an environment of its own.

Takes the repository; makes an environment in `.local/` of the locks of base, service and bench, and runs the service's
`bench/bench.py` in it. The server, the rows and what is compared are described there.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools.bench.environment import environment, variables
from tools.errors import RemoteError
from tools.local import venv

SERVICE = Path("services/database-to-lake")
ROWS = 10_000_000


def run(root: Path, rows: int = ROWS) -> None:
    """Runs the bench; its output goes where this process's goes.

    Raises:
        RemoteError: it failed; what it said is above.
    """
    home = root / SERVICE
    python = environment(
        root / ".local" / "bench-load", [*venv.locks(root, home), home / "bench" / "requirements.lock"]
    )
    data = root / ".local" / "data"
    data.mkdir(parents=True, exist_ok=True)
    command = [str(python), "bench/bench.py", str(rows)]
    environ = variables(PYTHONPATH=str(root), DATA_FLOWS_DATA=str(data), PYTHONUNBUFFERED="1")
    if subprocess.run(command, cwd=home, env=environ, check=False).returncode:
        raise RemoteError(f"{SERVICE}/bench/bench.py failed; what it said is above")
