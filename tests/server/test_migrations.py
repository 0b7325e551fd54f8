"""Migrations: from an empty and from a filled database of each revision, on each PostgreSQL."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.installed_postgres import installed, running
from tests.support.store.rows import put
from tests.support.traces.records import span
from tracer.server.migrations import configured, downgrade, upgrade
from tracer.server.postgres import Embedded
from tracer.store.database.server import known_revisions

VERSIONS = (15, 16, 17, 18)
EMBEDDED = 18
REVISIONS = known_revisions()
RENAMED = {
    "0016": {"tallies": "mapping_counts", "runs": "sibling_groups"},
    "0020": {"span_payloads": "span_payload_rows"},
}
"""The former and the new names of the tables that a revision renames."""
SPLITTING = "0017"
"""The revision that moves columns of `traces` to `trace_payloads`."""
COUNTING = ("0030", "0033", "0035")
"""The revisions that have the worker count the stored traces, their users, and read scores."""

_COLUMNS = """
    SELECT c.table_name, c.column_name, c.data_type,
        c.is_nullable = 'NO' AND c.column_default IS NULL
    FROM information_schema.columns c JOIN information_schema.tables t
        USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
        AND c.table_name <> 'alembic_version' ORDER BY c.table_name, c.ordinal_position
"""
_VALUES = {
    "text": "x",
    "boolean": "true",
    "integer": "1",
    "smallint": "1",
    "bigint": "1",
    "numeric": "1.5",
    "double precision": "1.5",
    "json": '["x"]',
    "jsonb": "[]",
    "tsvector": "x",
    "ARRAY": "{x}",
    "bytea": "\\x00",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "timestamp with time zone": "2026-01-02T03:04:05Z",
}


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server of each version: the embedded one, and those that are installed."""
    if request.param == EMBEDDED:
        embedded: Embedded = request.getfixturevalue("postgres")
        yield embedded.url
    elif not installed(request.param):
        pytest.skip(f"no PostgreSQL {request.param}: apt-get install postgresql-{request.param}")
    else:
        with running(request.param) as url:
            yield url


@pytest.fixture
def empty_url(server: str) -> Iterator[str]:
    """A new, empty database on that server."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrating")
        try:
            yield server.replace("/postgres?", "/migrating?")
        finally:
            connection.execute("DROP DATABASE migrating WITH (FORCE)")


def test_the_embedded_version_and_the_oldest_supported_one_are_tried() -> None:
    assert {15, EMBEDDED} <= set(VERSIONS)
    assert len(REVISIONS) >= 15


def test_an_empty_database_is_migrated_to_what_the_code_declares(empty_url: str) -> None:
    from alembic import command

    assert upgrade(empty_url) == (None, REVISIONS[-1])
    with configured(empty_url, metadata=True) as config:
        command.check(config)


def test_rows_that_each_revision_made_possible_are_kept(empty_url: str) -> None:
    filled: dict[str, int] = {}
    for revision in REVISIONS:
        migrate(empty_url, revision)
        filled = renamed(filled, [revision])
        if revision == SPLITTING:
            filled["trace_payloads"] = filled["traces"]
        if revision in COUNTING:
            filled["background_upgrades"] += 1
        with psycopg.connect(empty_url) as connection:
            filled |= fill(connection, but=filled.keys())
    assert len(filled) >= 30
    assert counts(empty_url, filled) == filled


@pytest.mark.slow
@pytest.mark.parametrize("start", REVISIONS)
def test_a_filled_database_of_each_revision_keeps_its_rows(empty_url: str, start: str) -> None:
    from alembic import command

    migrate(empty_url, start)
    with psycopg.connect(empty_url) as connection:
        filled = fill(connection)
    assert len(filled) >= 6
    assert upgrade(empty_url) == (start, REVISIONS[-1])
    filled = renamed(filled, REVISIONS[REVISIONS.index(start) + 1 :])
    if "background_upgrades" in filled:
        filled["background_upgrades"] += sum(start < revision for revision in COUNTING)
    assert counts(empty_url, filled) == filled
    with configured(empty_url, metadata=True) as config:
        command.check(config)


WIDE_TRACES = """
    INSERT INTO traces (project_id, trace_id, name, start_time, end_time, status, tags, models,
        root_span_id, kinds, metadata, input, claims, updated_at)
    SELECT 'p', 't' || n, 'name ' || n, now(), now(), 'completed', ARRAY['a', 'b'], '{"m": 2}',
        's' || n, '{"tool": 1}', jsonb_build_object('n', n), '{"a" : 1.0}', '{"seen": 1}',
        now() + n * interval '1 us'
    FROM generate_series(1, 50) n
"""
WHOLE_TRACES = """
    SELECT project_id, trace_id, name, tags, models, root_span_id, kinds, metadata, input::text,
        output::text, claims, updated_at
    FROM traces {join} ORDER BY trace_id
"""
JOIN = "JOIN trace_payloads USING (project_id, trace_id)"


def test_an_interrupted_split_of_traces_goes_on_and_notices_what_changed_meanwhile(
    empty_url: str,
) -> None:
    split = revision_module("0017")
    migrate(empty_url, "0016")
    with psycopg.connect(empty_url) as connection:
        connection.execute(WIDE_TRACES)
        connection.execute(split.CREATE)
        # As an upgrade leaves the tables that ends after a part of the rows.
        some = split.COPY.format(condition="trace_id < 't3'")
        copied = connection.execute(some).rowcount
        connection.execute(
            "UPDATE traces SET name = 'later', metadata = '{}', updated_at = now()"
            " + interval '1 hour' WHERE trace_id IN ('t10', 't40')"
        )
        connection.execute("DELETE FROM traces WHERE trace_id IN ('t11', 't41')")
        before = connection.execute(WHOLE_TRACES.format(join="").encode()).fetchall()
    assert (copied, len(before)) == (22, 48)

    migrate(empty_url, "0017")
    with psycopg.connect(empty_url) as connection:
        assert connection.execute(WHOLE_TRACES.format(join=JOIN).encode()).fetchall() == before
        assert count(connection, "trace_payloads") == count(connection, "traces") == 48

    downgrade(empty_url, "0016")
    with psycopg.connect(empty_url) as connection:
        assert connection.execute(WHOLE_TRACES.format(join="").encode()).fetchall() == before


def test_packed_values_return_to_their_rows_with_a_downgrade(empty_url: str) -> None:
    upgrade(empty_url)
    read = "SELECT span_id, input::text, events::text FROM {} ORDER BY span_id"
    value = [{"name": "é" * 200}]
    with psycopg.connect(empty_url) as connection:
        put(connection, *(span(f"s{n}", input=value, events=value) for n in range(20)))
        before = connection.execute(read.format("span_payloads").encode()).fetchall()
        rows = connection.execute(read.format("span_payload_rows").encode()).fetchall()
        assert len(before) == 20
        assert not set(before) & set(rows)
    downgrade(empty_url, "0035")
    with psycopg.connect(empty_url) as connection:
        for name in ("span_payloads", "span_payload_rows"):
            assert connection.execute(read.format(name).encode()).fetchall() == before
        assert count(connection, "parts") == 0
        split = connection.execute("SELECT FROM span_payload_rows WHERE split IS NOT NULL")
        assert split.fetchone() is None
    upgrade(empty_url)


def revision_module(revision: str) -> Any:
    """Return the module of a revision."""
    from alembic.script import ScriptDirectory

    with configured("postgresql://") as config:
        script = ScriptDirectory.from_config(config).get_revision(revision)
    assert script is not None
    return script.module


def test_the_tables_of_the_former_job_queue_go(empty_url: str) -> None:
    migrate(empty_url, "0014")
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TYPE procrastinate_job_status AS ENUM ('todo')")
        connection.execute("CREATE TABLE procrastinate_jobs (status procrastinate_job_status)")
        connection.execute(
            "CREATE FUNCTION procrastinate_notify() RETURNS void LANGUAGE sql AS 'SELECT'"
        )
    upgrade(empty_url)
    with psycopg.connect(empty_url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'procrastinate%'"
            " UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%'"
            " UNION ALL SELECT typname FROM pg_type WHERE typname LIKE 'procrastinate%'"
        ).fetchall()
    assert left == []


def migrate(url: str, revision: str) -> None:
    """Bring the database to ``revision``."""
    from alembic import command

    with configured(url) as config:
        command.upgrade(config, revision)


def renamed(filled: dict[str, int], revisions: Iterable[str]) -> dict[str, int]:
    """Return row counts by the names that their tables have after ``revisions``."""
    for revision in revisions:
        names = RENAMED.get(revision, {})
        filled = {names.get(table, table): number for table, number in filled.items()}
    return filled


def fill(connection: psycopg.Connection[Any], but: Container[str] = ()) -> dict[str, int]:
    """Add a row to each table that is not in ``but``; return how many rows each has then."""
    required: dict[str, dict[str, str]] = {}
    for table, column, data_type, needed in connection.execute(_COLUMNS.encode()).fetchall():
        columns = required.setdefault(table, {})
        if needed:
            columns[column] = _VALUES[data_type]
    filled = {}
    for table, columns in required.items():
        if table in but:
            continue
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(sql.Placeholder() * len(columns)),
            ),
            list(columns.values()),
        )
        filled[table] = count(connection, table)
    return filled


def counts(url: str, tables: Iterable[str]) -> dict[str, int]:
    """Return how many rows each table has."""
    with psycopg.connect(url) as connection:
        return {table: count(connection, table) for table in tables}


def count(connection: psycopg.Connection[Any], table: str) -> int:
    """Return how many rows a table has."""
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
