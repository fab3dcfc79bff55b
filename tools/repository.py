"""Where things lie in the repository. Constants; reads nothing."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"
BASE_DIRECTORY = "base-image"
"""The build context of the image that every service extends, below the root."""
KEPT = ".kept"
"""What was read of environments on this machine, below the root; not in .local/, where flows in their images write."""
