"""Fills a database with generated traces by COPY: ``python -m bench.many.fill --traces 1000``."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import psycopg

from bench.many.rows import COLUMNS, lines
from tracer.config import Config
from tracer.server.bootstrap import bootstrap
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.database.keys import TraceKey
from tracer.store.rollups import fold
from tracer.store.texts.fill import AT_ONCE, index_words

T = TypeVar("T")
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
        -- By which the fold counts users.
        AND i.indexname <> 'ix_traces_user'
        AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conname = i.indexname)
"""
_APPEND: Final = "INSERT INTO rollup_changes (project_id, records) VALUES ('default', %s)"
_SESSIONS: Final = """
    INSERT INTO sessions
    SELECT project_id, session_id, min(start_time), max(end_time), count(*),
        count(*) FILTER (WHERE status = 'error'), count(*) FILTER (WHERE status = 'running'),
        sum(span_count), sum(total_tokens)::bigint, sum(total_cost)
    FROM traces WHERE session_id IS NOT NULL GROUP BY 1, 2
"""


def fill(url: str, traces: int, spans: float) -> None:
    """Fill the migrated, empty database at ``url`` with traces of ``spans`` spans on average."""
    with (
        psycopg.connect(url, autocommit=True) as connection,
        multiprocessing.Pool(PROCESSES) as pool,
    ):
        connection.execute("SET maintenance_work_mem = '1GB'")
        tables = [*COLUMNS, "trace_words"]
        statements = connection.execute(_INDEXES, {"tables": tables}).fetchall()
        for drop, _ in statements:
            connection.execute(drop.encode())
        chunks = [(url, first, traces, spans) for first in range(0, traces, _CHUNK)]
        keys = []
        for own in _progress("copied", pool.imap_unordered(_copy, chunks), len(chunks)):
            keys.append((url, own))
            while fold.fold(connection):
                pass
        of_words = [create for _, create in statements if "trace_words" in create]
        for _, create in statements:
            if create not in of_words:
                connection.execute(create.encode())
        connection.execute("VACUUM ANALYZE")
        for _ in _progress("indexed", pool.imap_unordered(_index_words, keys), len(keys)):
            pass
        for create in of_words:
            connection.execute(create.encode())
        connection.execute(_SESSIONS)
        connection.execute("VACUUM ANALYZE")


def _progress(what: str, results: Iterable[T], total: int) -> Iterator[T]:
    for done, result in enumerate(results, 1):
        yield result
        if done % 25 == 0:
            click.echo(f"  {done / total:.0%} {what}", err=True)


def _copy(chunk: tuple[str, int, int, float]) -> list[TraceKey]:
    """Copy the rows of some traces; return the keys of the traces."""
    url, first, total, spans = chunk
    made = lines(first, min(_CHUNK, total - first), total, spans)
    with psycopg.connect(url) as connection:
        for table, columns in COLUMNS.items():
            names = ", ".join(columns.split())
            with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:
                copy.write("".join(getattr(made, table)))
        connection.execute(_APPEND, [made.changes.encoded()])
    return [tuple(line.split("\t", 2)[:2]) for line in made.traces]  # type: ignore[misc]


def _index_words(chunk: tuple[str, list[TraceKey]]) -> None:
    """Index the words of some traces as the background worker does, without its pauses."""
    url, keys = chunk
    with psycopg.connect(url) as connection:
        for first in range(0, len(keys), AT_ONCE):
            index_words(connection, sorted(keys[first : first + AT_ONCE]))


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
