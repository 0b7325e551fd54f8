"""``python -m tracer.worker.analysis_process``: analyses the large traces that are due, and ends.

A separate process, so that its memory returns to the system when it ends, and the other tasks
are not slowed down.
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
_POLL_SECONDS: Final = 1.0


def run(stop: threading.Event) -> None:
    """Run the process until it ends or ``stop`` is set. Raises RuntimeError if it fails."""
    process = subprocess.Popen([sys.executable, "-P", "-m", __name__])  # noqa: S603 - the arguments are our own
    try:
        while not stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                if process.wait(_POLL_SECONDS):
                    raise RuntimeError(f"the analysis process ended with {process.returncode}")
                return
    finally:
        # PostgreSQL rolls back the transaction of a terminated process; the trace stays due.
        if process.poll() is None:
            process.terminate()
            process.wait()


def main() -> None:
    """Analyse the traces that are due, with a low CPU priority."""
    os.nice(_NICE)
    # Millions of objects without cycles: garbage collection would free nothing.
    gc.disable()
    analyse_due(libpq_url(Config.from_env().database_url))


if __name__ == "__main__":
    main()
