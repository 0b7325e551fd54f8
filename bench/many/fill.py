"""Fills a database with generated traces by COPY: ``python -m bench.many.fill --traces 1000``."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any, Final

import click
import psycopg

from bench.many.rows import COLUMNS, lines
from tracer.config import Config
from tracer.server.bootstrap import bootstrap
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.rollups import count_traces, fold

PROCESSES: Final = 2
_CHUNK: Final = 2_000
"""Traces per COPY."""

# Indexes are made after the rows, which is many times faster.
_INDEXES: Final = """
    SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', c.relname, k.conname),
        format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', c.relname, k.conname,
            pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.contype = 'p' AND c.relname = ANY(%(tables)s)
    UNION ALL
    SELECT format('DROP INDEX %%I', i.indexname), i.indexdef FROM pg_indexes i
    WHERE i.schemaname = 'public' AND i.tablename = ANY(%(tables)s)
        AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conname = i.indexname)
"""
_COUNT: Final = """
    INSERT INTO background_upgrades (name, position, rows_total)
    SELECT 'rollups', ARRAY['', ''], count(*) FROM traces
"""
_SESSIONS: Final = """
    INSERT INTO sessions
    SELECT project_id, session_id, min(start_time), max(end_time), count(*),
        count(*) FILTER (WHERE status = 'error'), count(*) FILTER (WHERE status = 'running'),
        sum(span_count), sum(total_tokens)::bigint, sum(total_cost)
    FROM traces WHERE session_id IS NOT NULL GROUP BY 1, 2
"""


_DUE: Final = "INSERT INTO text_due (project_id, trace_id) SELECT project_id, trace_id FROM traces"


def fill(url: str, traces: int, spans: float) -> None:
    """Fill the migrated, empty database at ``url`` with traces of ``spans`` spans on average."""
    tables = list(COLUMNS)
    with psycopg.connect(url, autocommit=True) as connection:
        statements = connection.execute(_INDEXES, {"tables": tables}).fetchall()
        for drop, _ in statements:
            connection.execute(drop.encode())
        chunks = [(url, first, traces, spans) for first in range(0, traces, _CHUNK)]
        with multiprocessing.Pool(PROCESSES) as pool:
            for done, _ in enumerate(pool.imap_unordered(_copy, chunks), 1):
                if done % 50 == 0:
                    click.echo(f"  {done / len(chunks):.0%} copied", err=True)
        connection.execute("SET maintenance_work_mem = '1GB'")
        for _, create in statements:
            connection.execute(create.encode())
        connection.execute(_SESSIONS)
        # The worker of a server on this data indexes the words.
        connection.execute(_DUE)
        connection.execute(_COUNT)
    _add_to_rollups(url, traces)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _add_to_rollups(url: str, traces: int) -> None:
    """Count the traces as the worker does after an upgrade, without its pauses."""
    steps = 0
    with psycopg.connect(url) as connection:
        while count_traces.count_some(connection):
            steps += 1
            # Traces are counted in the order of their ids: the fewer folds, the fewer rows change.
            if steps % 100 == 0:
                _fold(connection)
                if progress := count_traces.UPGRADE.read_progress(connection):
                    click.echo(f"  {progress.done / traces:.0%} in rollups", err=True)
        _fold(connection)


def _fold(connection: psycopg.Connection[Any]) -> None:
    while fold.fold(connection):
        pass


def _copy(chunk: tuple[str, int, int, float]) -> None:
    url, first, total, spans = chunk
    made = lines(first, min(_CHUNK, total - first), total, spans)
    with psycopg.connect(url) as connection:
        for table, columns in COLUMNS.items():
            names = ", ".join(columns.split())
            with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:
                copy.write("".join(getattr(made, table)))


def sizes(connection: psycopg.Connection[Any]) -> list[tuple[str, int, int]]:
    """Return (table or index, bytes, estimated rows) of the largest relations."""
    return connection.execute("""
        SELECT relname, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid)
            END AS bytes, reltuples::bigint
        FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
        ORDER BY bytes DESC LIMIT 40
    """).fetchall()


@click.command()
@click.option("--traces", default=1_000_000, help="Number of traces.")
@click.option("--spans", default=20.0, help="Mean number of spans of a trace.")
@click.option("--data-dir", type=click.Path(path_type=Path), required=True)
def main(traces: int, spans: float, data_dir: Path) -> None:
    """Fill the embedded PostgreSQL of a new data directory, and stop it."""
    embedded = Embedded(data_dir)
    embedded.start()
    try:
        upgrade(embedded.url)
        bootstrap(Config(database_url=embedded.url))
        started_at = time.perf_counter()
        fill(embedded.url, traces, spans)
        click.echo(f"filled in {time.perf_counter() - started_at:.0f} s")
        with psycopg.connect(embedded.url) as connection:
            for name, size, rows in sizes(connection):
                click.echo(f"  {name:<32} {size / 1e6:>10,.1f} MB {rows:>14,}")
    finally:
        embedded.stop()


if __name__ == "__main__":
    main()
