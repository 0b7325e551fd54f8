"""``python -m tracer.worker``: work on jobs until told to stop, or until the parent is gone."""

from __future__ import annotations

import asyncio
import logging
import os

from tracer.config import Config
from tracer.worker.tasks import make_app

_STOP_SECONDS = 10.0


async def work(config: Config) -> None:
    """Work on jobs until SIGTERM. Ends as well when the parent process does."""
    working = asyncio.create_task(_run(config))
    orphaned = asyncio.create_task(_parent_gone())
    await asyncio.wait({working, orphaned}, return_when=asyncio.FIRST_COMPLETED)
    orphaned.cancel()
    working.cancel()
    await working


async def _run(config: Config) -> None:
    app = make_app(config)
    async with app.open_async():
        await app.run_worker_async(
            name="tracer",
            # Notifications wake the worker; this is only how late a lost one is noticed.
            fetch_job_polling_interval=30.0,
            abort_job_polling_interval=30.0,
            shutdown_graceful_timeout=_STOP_SECONDS,
        )


async def _parent_gone() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    asyncio.run(work(Config.from_env()))
