"""``python -m tracer.worker``: runs the background tasks until SIGTERM or the end of the parent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

import psycopg

from tracer.config import Config
from tracer.store.database.server import libpq_url
from tracer.worker.loop import Loop
from tracer.worker.tasks import TASKS


def main() -> int:
    """Run the tasks on the configured database; return the exit status."""
    logging.basicConfig(level=logging.WARNING, format="tracer: %(message)s")
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    parent = os.getppid()
    loop = Loop(libpq_url(Config.from_env().database_url), TASKS, stop)
    try:
        loop.run(lambda: os.getppid() == parent)
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        print(f"tracer: the background worker lost the database: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
