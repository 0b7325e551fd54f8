"""``python -m tracer.worker``: work on jobs until told to stop, or until the parent is gone."""

from __future__ import annotations

import asyncio
import logging
import os

from procrastinate.exceptions import ConnectorException

from tracer.config import Config
from tracer.worker.tasks import make_app
from tracer.worker.watching import watch

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
        watching = asyncio.create_task(watch(app, config))
        try:
            await app.run_worker_async(
                name="tracer",
                # A large delete takes its time; folding and the like don't wait for it.
                concurrency=3,
                # Notifications wake the worker; this is only how late a lost one is noticed.
                fetch_job_polling_interval=30.0,
                abort_job_polling_interval=30.0,
                shutdown_graceful_timeout=_STOP_SECONDS,
            )
        finally:
            watching.cancel()
            await asyncio.wait({watching})


async def _parent_gone() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1.0)


class _Brief(logging.Formatter):
    """Says in one line that the database is away; the parent starts us again."""

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and isinstance(record.exc_info[1], ConnectorException):
            record.exc_info = None
            return f"tracer: {' '.join(record.getMessage().split())}"
        return f"tracer: {super().format(record)}"


def main() -> None:
    """Work on the configured database."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Brief())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # The listener says the same, once.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    asyncio.run(work(Config.from_env()))


if __name__ == "__main__":
    main()
