"""``python -m tracer.worker.analysis_process``: analyse the large traces that are due, and end.

A process of its own, so that the memory that a large trace takes goes back to the system with it,
and the tasks beside it are not held up.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

from tracer.config import Config
from tracer.store.analyses.compute import analyse_due
from tracer.store.database.server import libpq_url

_NICE: Final = 10
_LOOK_SECONDS: Final = 1.0


def run(stop: threading.Event) -> None:
    """Run the process to its end, or until ``stop`` is set. Raises RuntimeError when it fails."""
    process = subprocess.Popen([sys.executable, "-P", "-m", __name__])
    try:
        while not stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                if process.wait(_LOOK_SECONDS):
                    raise RuntimeError(f"the analysis process ended with {process.returncode}")
                return
    finally:
        # PostgreSQL undoes the transaction of a process that ends early; the trace stays due.
        if process.poll() is None:
            process.terminate()
            process.wait()


def main() -> None:
    """Analyse what is due, at a lower priority than everything else."""
    os.nice(_NICE)
    # Millions of objects and no cycles among them: the collector would search in vain.
    gc.disable()
    analyse_due(libpq_url(Config.from_env().database_url))


if __name__ == "__main__":
    main()
