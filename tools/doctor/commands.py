"""The commands that mends name, for the environment that is looked at."""

from __future__ import annotations

from tools.settings import LOCAL


def make(target: str, environment: str) -> str:
    """A target of the Makefile; Local is what it takes where no environment is named."""
    return f"make {target}" if environment == LOCAL else f"make {target} ENVIRONMENT={environment}"


def make_it(environment: str) -> str:
    """What makes what an environment lacks."""
    return "make up" if environment == LOCAL else f"make bootstrap ENVIRONMENT={environment} YES=1"
