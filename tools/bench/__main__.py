"""`python -m tools.bench [PART ...]`."""

from __future__ import annotations

import argparse
import sys

from tools.bench.parts import PARTS, run
from tools.errors import ToolsError
from tools.repository import ROOT
from tools.show.terminal import complain


def main() -> int:
    """Runs the parts that are named, all where none is; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description="Measures loads and deploys beside their peers, in one run.",
        epilog="example:\n  python -m tools.bench load",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", metavar="PART", nargs="*", help=f"{', '.join(PARTS)}; all where absent")
    try:
        run(ROOT, parser.parse_args().part, print)
    except ToolsError as error:
        complain(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
