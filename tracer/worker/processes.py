"""Runs a task in a process of its own, whose memory returns to the system when the task ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from typing import Final

_POLL_SECONDS: Final = 1.0


def run(module: str, stop: threading.Event) -> None:
    """Run a module until it ends or ``stop`` is set. Raises RuntimeError if it fails."""
    process = subprocess.Popen([sys.executable, "-P", "-m", module])  # noqa: S603 - the arguments are our own
    try:
        while not stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                if process.wait(_POLL_SECONDS):
                    raise RuntimeError(f"the process {module} ended with {process.returncode}")
                return
    finally:
        # PostgreSQL rolls back the transaction of a terminated process; its work stays due.
        if process.poll() is None:
            process.terminate()
            process.wait()
