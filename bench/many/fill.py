"""Fills a database with generated traces: ``python -m bench.many.fill --traces 1000``.

Fewer than 50,000 traces are generated one by one. Of more, a block is generated, and PostgreSQL
copies it with other ids, times, users and sessions; texts, and so the words of a trace in the
index, stay those of the block.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import psycopg

from bench.many.block import Block
from bench.many.check import differences
from bench.many.copies import COPIED, add_rollups, copy_table
from bench.many.rows import COLUMNS, lines
from tracer.config import Config
from tracer.server.bootstrap import bootstrap
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.database.keys import TraceKey
from tracer.store.rollups import score_hours, users
from tracer.store.texts.fill import BATCH_TRACES, index_words

T = TypeVar("T")
PROCESSES: Final = 2
_CHUNK: Final = 1_000
"""Traces that a process generates at once."""
_ROLLUPS: Final = "rollups"
_WORKS: Final = ("spans", _ROLLUPS, *(table for table in COPIED if table != "spans"))
"""What is copied, the longest first."""

# (statement that drops, statement that makes it again, whether a primary key). Making a primary key
# locks the table, while several other indexes of a table can be made at once, those that take the
# longest first.
_INDEXES: Final = """
    SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', c.relname, k.conname),
        format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', c.relname, k.conname,
            pg_get_constraintdef(k.oid)), true
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.contype = 'p' AND c.relname = ANY(%(tables)s)
    UNION ALL
    SELECT format('DROP INDEX %%I', i.indexname), i.indexdef, false
    FROM pg_indexes i WHERE i.schemaname = 'public' AND i.tablename = ANY(%(tables)s)
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
_USER_DAYS: Final = """
    SELECT DISTINCT user_id, floor(extract(epoch FROM start_time) / 86400)::bigint
    FROM traces WHERE user_id IS NOT NULL
"""

_FILL_SCORES: Final = """
    UPDATE scores s SET trace_start = t.start_time, trace_environment = t.environment
    FROM traces t WHERE t.project_id = s.project_id AND t.trace_id = s.trace_id
"""


def fill(url: str, block: Block) -> None:
    """Fill the migrated, empty database at ``url``."""
    pool_of = get_context("spawn").Pool
    with psycopg.connect(url, autocommit=True) as connection, pool_of(PROCESSES) as pool:

        def run(what: str, function: Callable[[Any], T], works: list[Any]) -> list[T]:
            results = []
            for result in pool.imap_unordered(function, works):
                results.append(result)
                click.echo(f"  {what} {len(results) / len(works):.0%}", err=True)
            return results

        chunks = [(url, block, first) for first in range(0, block.traces, _CHUNK)]
        keys = run("generated", _generate, chunks)
        connection.execute("ANALYZE")
        run("words", _index_words, [(url, own) for own in keys])
        indexes = connection.execute(_INDEXES, {"tables": list(COPIED)}).fetchall()
        indexes.sort(key=lambda index: "USING gin" not in index[1])
        for drop, _, _ in indexes:
            connection.execute(drop.encode())
        run("copied", _copy, [(url, block, name) for name in _WORKS])
        for keyed in (False, True):
            run("indexed", _index, [(url, make) for _, make, key in indexes if key == keyed])
        connection.execute(_SESSIONS)
        with connection.transaction():
            listed = connection.execute(_USER_DAYS).fetchall()
            users.recount_users(connection, "default", listed)
        fill_scores(connection)
        connection.execute("ANALYZE")
        if wrong := differences(connection):
            raise click.ClickException("; ".join(wrong))


def fill_scores(connection: psycopg.Connection[Any]) -> None:
    """Note the start and environment of their traces in the scores, and sum them up by hour."""
    with connection.transaction():
        connection.execute(_FILL_SCORES)
        connection.execute(score_hours.MARK_ALL.encode())
    while score_hours.recount_some(connection):
        pass


def _generate(work: tuple[str, Block, int]) -> list[TraceKey]:
    """Generate some traces of the block; return their keys."""
    url, block, first = work
    made = lines(block, first, min(_CHUNK, block.traces - first))
    with psycopg.connect(url) as connection:
        for table, columns in COLUMNS.items():
            names = ", ".join(columns.split())
            with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:
                copy.write("".join(getattr(made, table)))
        connection.execute(_APPEND, [made.changes.encoded()])
    return sorted(tuple(line.split("\t", 2)[:2]) for line in made.traces)  # type: ignore[misc]


def _index_words(work: tuple[str, list[TraceKey]]) -> None:
    """Index the words of some traces as the background worker does, without its pauses."""
    url, keys = work
    with psycopg.connect(url) as connection:
        for first in range(0, len(keys), BATCH_TRACES):
            index_words(connection, keys[first : first + BATCH_TRACES])


def _copy(work: tuple[str, Block, str]) -> None:
    """Copy one table, or the rollups."""
    url, block, name = work
    with psycopg.connect(url, autocommit=True) as connection:
        if name == _ROLLUPS:
            add_rollups(connection, block)
        else:
            copy_table(connection, block, name)
            connection.execute(f"VACUUM {name}".encode())


def _index(work: tuple[str, str]) -> None:
    url, statement = work
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute(statement.encode())


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
        fill(embedded.url, Block.of(traces, spans))
        click.echo(f"filled in {time.perf_counter() - started_at:.0f} s")
        with psycopg.connect(embedded.url) as connection:
            for name, size, rows in sizes(connection):
                click.echo(f"  {name:<32} {size / 1e6:>10,.1f} MB {rows:>14,}")
    finally:
        embedded.stop()


if __name__ == "__main__":
    main()
