"""``python -m tracer.worker.analysis_process``: analyses the large traces that are due, and ends.

A separate process, so that its memory returns to the system when it ends, and the other tasks
are not slowed down.
"""

from __future__ import annotations

import gc
import os
from typing import Final

from tracer.config import Config
from tracer.store.analyses.compute import analyse_due
from tracer.store.database.server import libpq_url

_NICE: Final = 10


def main() -> None:
    """Analyse the traces that are due, with a low CPU priority."""
    os.nice(_NICE)
    # Millions of objects without cycles: garbage collection would free nothing.
    gc.disable()
    analyse_due(libpq_url(Config.from_env().database_url))


if __name__ == "__main__":
    main()
