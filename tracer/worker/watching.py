"""What large traces need, done as soon as it is due.

Not tasks of the queue: those would be a dozen statements every two seconds where nothing happens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from tracer.config import Config
from tracer.store.analyses.compute import DUE as DUE_ANALYSES
from tracer.store.database.server import libpq_url
from tracer.store.timeline.fill import DUE as DUE_TIMELINES
from tracer.store.timeline.fill import fill_wanted
from tracer.worker import analysing

_EVERY_SECONDS: Final = 2.0
_FAILED_SECONDS: Final = 60.0

logger: Final = logging.getLogger(__name__)


async def watch(app: App, config: Config) -> None:
    """Fill timelines and analyse large traces when they are due, until cancelled."""
    fill = partial(asyncio.to_thread, fill_wanted, libpq_url(config.database_url))
    await asyncio.gather(
        _whenever(app, "timelines", DUE_TIMELINES, fill),
        _whenever(app, "analyses", DUE_ANALYSES, analysing.run),
    )


async def _whenever(app: App, what: str, due: str, work: Callable[[], Awaitable[Any]]) -> None:
    """Do ``work`` as often as the query ``due`` finds something."""
    while True:
        pause = _EVERY_SECONDS
        try:
            if await app.connector.execute_query_all_async(due):
                await work()
        except (ConnectorException, psycopg.OperationalError):
            # The database is away; the queue's worker says so, and ends.
            pass
        except Exception:
            logger.exception("%s of large traces failed; next try in a minute", what)
            pause = _FAILED_SECONDS
        await asyncio.sleep(pause)
