"""Chooses Arrow's allocator, which must be done before pyarrow is loaded: import this first.

Arrow's usual one keeps for each thread what that thread once had. As the threads hand record batches on to each other,
that was a third of a run's peak; the system's allocator gives it back, and takes no more time. Whoever sets the
variable has it their way.
"""

from __future__ import annotations

import os

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
