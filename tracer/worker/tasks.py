"""The tasks and when they run; a new one is a function here with its decorators."""

from __future__ import annotations

import asyncio

import psycopg
from procrastinate import App, PsycopgConnector

from tracer.config import Config
from tracer.store import emptying
from tracer.store.analysing import DUE
from tracer.store.database import libpq_url
from tracer.store.folding import FOLD_TALLIES
from tracer.worker import analysing

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

    @app.periodic(cron="* * * * * */2")
    @app.task(queueing_lock="fill_timelines", pass_context=False)
    async def fill_timelines(timestamp: int) -> None:
        """Put traces in order of time for their logs and searches; every two seconds."""
        # Imported where the work begins: most servers never have a trace that is this large.
        from tracer.store.timeline_filling import fill_wanted

        await asyncio.to_thread(fill_wanted, libpq_url(config.database_url))

    @app.periodic(cron="* * * * * */2")
    @app.task(queueing_lock="analyse_traces", pass_context=False)
    async def analyse_traces(timestamp: int) -> None:
        """Add up the large traces that have come to rest; every two seconds."""
        if await app.connector.execute_query_all_async(DUE):
            await analysing.run()

    @app.periodic(cron="* * * * *")
    @app.task(queueing_lock="empty_deleted_traces", pass_context=False)
    async def empty_deleted_traces(timestamp: int) -> None:
        """Finish deletes that were cut short, and forget those of a day ago; every minute."""
        await asyncio.to_thread(_empty, libpq_url(config.database_url))

    return app


def _empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        emptying.empty_left(connection)
        emptying.forget(connection)
