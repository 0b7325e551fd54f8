"""The tasks and when they run; a new one is a function here with its decorators."""

from __future__ import annotations

import asyncio

import psycopg
from procrastinate import App, PsycopgConnector

from tracer.config import Config
from tracer.store.counters.fold_sql import FOLD_TALLIES
from tracer.store.database.server import libpq_url
from tracer.store.deletion import purge

KEEP_FINISHED_HOURS = 24


def make_app(config: Config) -> App:
    """Return the job queue of the configured database, with every task registered."""
    # Two connections: one listens for new jobs, one works.
    connector = PsycopgConnector(conninfo=libpq_url(config.database_url), min_size=1, max_size=2)
    app = App(connector=connector)

    @app.periodic(cron="17 * * * *")
    @app.task(queueing_lock="forget_finished_jobs", pass_context=False)
    async def forget_finished_jobs(timestamp: int) -> None:
        """Delete jobs that ended a day ago, however they ended; hourly."""
        await app.job_manager.delete_old_jobs(
            nb_hours=KEEP_FINISHED_HOURS,
            include_failed=True,
            include_cancelled=True,
            include_aborted=True,
        )

    @app.periodic(cron="* * * * * */20")
    @app.task(queueing_lock="fold_tallies", pass_context=False)
    async def fold_tallies(timestamp: int) -> None:
        """Add up the counts that writers have left; every twenty seconds."""
        await app.connector.execute_query_async(FOLD_TALLIES)

    @app.periodic(cron="* * * * *")
    @app.task(queueing_lock="empty_deleted_traces", pass_context=False)
    async def empty_deleted_traces(timestamp: int) -> None:
        """Finish deletes that were cut short, and forget those of a day ago; every minute."""
        await asyncio.to_thread(_empty, libpq_url(config.database_url))

    return app


def _empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        purge.empty_left(connection)
        purge.forget(connection)
