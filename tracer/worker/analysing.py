"""``python -m tracer.worker.analysing``: analyse what is due, and end.

A process of its own: what a large trace takes of memory goes back to the system with it, and the
tasks beside it are not held up.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from contextlib import suppress

from tracer.config import Config
from tracer.store.analyses.compute import analyse_due
from tracer.store.database.server import libpq_url

_NICE = 10


async def run() -> None:
    """Run the process to its end; it is stopped where we are. Raises RuntimeError if it fails."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", __name__)
    try:
        status = await process.wait()
    finally:
        # Its transaction is undone, and the trace stays due.
        with suppress(ProcessLookupError):
            process.terminate()
    if status:
        raise RuntimeError(f"the analysis of large traces ended with status {status}")


def main() -> None:
    """Analyse what is due, behind everything else that wants the processor."""
    os.nice(_NICE)
    # It makes millions of objects and no circles of them: looking for those is wasted time.
    gc.disable()
    analyse_due(libpq_url(Config.from_env().database_url))


if __name__ == "__main__":
    main()
