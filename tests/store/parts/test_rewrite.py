"""Payloads from before `parts` are rewritten in the background and stay what they are."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import span
from tests.support.waiting import wait_until
from tracer.store.database.background_upgrade import application_name, read_progress
from tracer.store.parts import rewrite, split
from tracer.store.parts.columns import SPLIT_COLUMNS
from tracer.store.parts.rewrite import UPGRADE, rewrite_some
from tracer.store.writing.delete import delete_trace

Connection = psycopg.Connection[Any]


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of three rows, so that a trace takes several."""
    old = f"LIMIT {rewrite._ROWS}"
    monkeypatch.setattr(rewrite, "_ROWS_OF_TRACE", rewrite._ROWS_OF_TRACE.replace(old, "LIMIT 3"))


@pytest.fixture
def old_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Payloads of two traces as they were stored before; yields what is read of them."""
    put(connection, *calls("a"), *calls("b"), span("small", trace="c", input="x"))
    read = payloads(connection)
    for column in SPLIT_COLUMNS:
        connection.execute(f"""
            UPDATE span_payload_rows r SET {column} = p.{column} FROM span_payloads p
            WHERE (p.trace_id, p.span_id) = (r.trace_id, r.span_id)
        """)
        # The view puts together what the bits of the other columns still name.
        bit = 1 << SPLIT_COLUMNS.index(column)
        connection.execute(f"UPDATE span_payload_rows SET split = split & ~{bit}")
    connection.execute("UPDATE span_payload_rows SET split = NULL")
    connection.execute("DELETE FROM parts")
    connection.execute("DELETE FROM background_upgrades")
    connection.execute("""
        INSERT INTO background_upgrades (name, position, rows_total)
        VALUES ('parts', ARRAY['', '', ''], 5)
    """)
    connection.commit()
    assert payloads(connection) == read
    yield read
    connection.execute("DELETE FROM background_upgrades")
    clear_tables(connection)


@pytest.fixture
def worker(connection: Connection) -> Iterator[Connection]:
    """The connection of the background worker."""
    with psycopg.connect(connection.info.dsn, autocommit=True) as own:
        yield own


def calls(trace: str) -> list[Any]:
    messages = [
        {"role": "user", "content": "".join(random.Random(n).choices("abcdef ", k=400))}
        for n in range(20)
    ]
    return [
        span(
            f"s{n}",
            trace=trace,
            kind="generation",
            input=messages[: n + 4],
            resource={"host.name": "h" * 200},
        )
        for n in range(16)
    ]


def payloads(connection: Connection) -> dict[str, Any]:
    rows = connection.execute("SELECT to_json(p) FROM span_payloads p").fetchall()
    connection.rollback()
    return {f"{row['trace_id']} {row['span_id']}": row for (row,) in rows}


def stored_bytes(connection: Connection) -> int:
    row = connection.execute("SELECT sum(pg_column_size(r.*)) FROM span_payload_rows r").fetchone()
    connection.rollback()
    assert row is not None
    return int(row[0])


def test_every_payload_stays_what_it_is(
    connection: Connection, worker: Connection, old_rows: dict[str, Any]
) -> None:
    before = stored_bytes(connection)
    done = []
    while rewrite_some(worker):
        assert payloads(connection) == old_rows
        done.append(read_progress(worker)["parts"])
    assert [progress.done for progress in done] == sorted(progress.done for progress in done)
    assert done[-1] == (33, 33)
    assert read_progress(worker) == {}
    assert payloads(connection) == old_rows
    assert stored_bytes(connection) < before / 4
    assert not rewrite_some(worker)


def test_spans_that_are_written_meanwhile_stay(
    connection: Connection, worker: Connection, old_rows: dict[str, Any]
) -> None:
    rewrite_some(worker)
    put(connection, *calls("d"), span("s0", trace="b", version=2_000_000_000_000_000, input="new"))
    while rewrite_some(worker):
        pass
    read = payloads(connection)
    assert read["b s0"]["input"] == "new"
    changed = {"b s0"} | {key for key in read if key.startswith("d ")}
    assert {key: row for key, row in read.items() if key not in changed} == {
        key: row for key, row in old_rows.items() if key not in changed
    }


@pytest.mark.usefixtures("old_rows")
def test_a_trace_that_is_deleted_meanwhile_leaves_no_part(
    connection: Connection, worker: Connection, app: Flask
) -> None:
    rewrite_some(worker)
    with app.app_context():
        assert delete_trace("default", "a")
    while rewrite_some(worker):
        pass
    for table in ("parts", "span_payload_rows"):
        rows = connection.execute(f"SELECT DISTINCT trace_id FROM {table} WHERE trace_id <> ''")
        assert "a" not in {trace_id for (trace_id,) in rows}


@pytest.mark.usefixtures("old_rows")
def test_the_rewrite_waits_for_servers_that_write_payloads_in_the_old_form(
    connection: Connection, worker: Connection
) -> None:
    name = application_name("0019")
    with psycopg.connect(connection.info.dsn, application_name=name):
        assert worker.execute(UPGRADE.due.encode()).fetchone() is None
        assert not rewrite_some(worker)
    name = application_name("0020")
    with psycopg.connect(connection.info.dsn, application_name=name):
        # PostgreSQL lists the session until it has noticed the end of the connection.
        wait_until(lambda: worker.execute(UPGRADE.due.encode()).fetchone())
        assert rewrite_some(worker)


@pytest.mark.usefixtures("old_rows")
def test_two_servers_do_not_rewrite_at_once(connection: Connection, worker: Connection) -> None:
    with psycopg.connect(connection.info.dsn) as other, other.transaction():
        other.execute("SELECT FROM background_upgrades FOR UPDATE")
        assert not rewrite_some(worker)


def test_the_task_stops_when_the_worker_does(
    connection: Connection, worker: Connection, old_rows: dict[str, Any]
) -> None:
    stop = threading.Event()
    stop.set()
    rewrite.rewrite(connection.info.dsn, stop.wait)
    assert read_progress(worker)["parts"].done == 3
    assert payloads(connection) == old_rows


def test_a_number_that_only_its_text_has_in_full_is_left() -> None:
    text = '["' + "x" * 2_000 + '", 0.12345678901234567890]'
    assert rewrite._split(text, {}) is None
    assert split.split(["x" * 2_000], 2_004, {}) is not None
