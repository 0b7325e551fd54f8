"""Repeated pieces of payloads are stored once, and every payload is read as it was sent."""

from __future__ import annotations

import random
from base64 import b64decode
from typing import Any

import msgspec
import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.store.deletions import GONE, tables_with
from tests.support.store.payloads import history, turn, values
from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import T0, span
from tracer.store.parts import split as splitting
from tracer.store.parts.columns import SPLIT_COLUMNS
from tracer.store.parts.split import Parts, split, split_as_one
from tracer.store.writing.delete import delete_trace

Connection = psycopg.Connection[Any]


def calls(turns: int, trace: str = "t", size: int = 300) -> list[Any]:
    """Model calls, each of which sends all messages so far."""
    return [
        span(
            f"call{n}",
            trace=trace,
            kind="generation",
            input={"messages": history(n, size), "temperature": 0.2},
            output=turn(n, size)[:1],
            resource={"service.name": "agent", "host.name": "h" * 100},
        )
        for n in range(turns)
    ]


def stored_bytes(connection: Connection) -> int:
    (size,) = connection.execute("""
        SELECT (SELECT sum(pg_column_size(r.*)) FROM span_payload_rows r)
            + (SELECT sum(pg_column_size(p.*)) FROM parts p)
    """).fetchone() or (0,)
    return int(size)


@given(value=values)
@example(value=["x" * 600] * 40)
@example(value=[{"a": "x" * 600}, 1, {"a": "x" * 600}, "y" * 100, "y" * 100, 2])
@example(value={"messages": [{"content": ["x" * 600, "x" * 600]}] * 17, "n": [1] * 33})
@settings(max_examples=150)
def test_any_value_is_put_together_again(value: Any) -> None:
    text = splitting.encoder.encode(value)
    parts: Parts = {}
    skeleton = split(value, len(text), parts)
    if skeleton is None:
        assert not parts
    else:
        assert assembled(skeleton, parts) == text
        assert msgspec.json.decode(skeleton)[0] == len(text)
    assert assembled(split_as_one(value, text, parts), parts) == text


def assembled(skeleton: bytes, parts: Any) -> bytes:
    """What `assemble_payload` does, in Python."""
    pieces = []
    for number, segment in enumerate(msgspec.json.decode(skeleton)[1:]):
        if number % 2 == 0:
            pieces.append(segment.encode())
            continue
        hashes = b64decode(segment)
        texts = []
        for start in range(0, len(hashes), splitting.HASH_BYTES):
            digest = hashes[start : start + splitting.HASH_BYTES]
            part = parts[digest]
            nested = digest[0] >= 0x80
            texts.append(assembled(part.text, part.inner) if nested else part.text)
        pieces.append(b",".join(texts))
    return b"".join(pieces)


@given(payloads=st.lists(values, min_size=1, max_size=4), dice=st.randoms(use_true_random=False))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_payload_is_read_as_it_was_sent(
    connection: Connection, payloads: list[Any], dice: random.Random
) -> None:
    clear_tables(connection)
    sent: dict[str, Any] = {}
    records = []
    # Enough short values for packs; each span arrives twice, some of them running at first.
    payloads += [{"漢": "é😀 " * 40, "n": number} for number in range(12)]
    for version in range(2):
        for number, value in enumerate(payloads):
            fields = {name: value for name in ("input", "output") if value is not None}
            fields["attributes"] = {"a": value, "version": version}
            end = None if version == 0 and dice.random() < 0.5 else T0 + 9
            records.append(span(f"s{number}", version=T0 + version, end_time=end, **fields))
            sent[f"s{number}"] = fields
    dice.shuffle(records)
    while records:
        put(connection, *[records.pop() for _ in range(min(len(records), dice.choice([1, 3, 20])))])
    rows = connection.execute(
        "SELECT span_id, input::text, output::text, attributes::text FROM span_payloads"
    ).fetchall()
    encode = splitting.encoder.encode
    assert {row[0]: row[1:] for row in rows} == {
        span_id: tuple(
            encode(fields[name]).decode() if name in fields else None
            for name in ("input", "output", "attributes")
        )
        for span_id, fields in sent.items()
    }


def test_a_history_that_is_sent_again_takes_little_space(connection: Connection) -> None:
    put(connection, *calls(10))
    ten = stored_bytes(connection)
    put(connection, *calls(40))
    # Four times as many calls, in which sixteen times as much was sent.
    assert stored_bytes(connection) < 6 * ten


def test_parts_are_shared_by_batches_but_not_by_traces(connection: Connection) -> None:
    for call in calls(12):
        put(connection, call)
    count = number_of_parts(connection, "t")
    assert count > 12
    put(connection, *calls(12))
    assert number_of_parts(connection, "t") == count
    put(connection, *calls(12, trace="u"))
    assert number_of_parts(connection, "u") == count
    # The resource of all calls.
    assert number_of_parts(connection, "") == 1


def test_a_single_call_is_stored_whole(connection: Connection) -> None:
    (call,) = calls(12)[-1:]
    put(connection, call)
    assert number_of_parts(connection, "t") == 0
    put(connection, *calls(12)[:-1])
    assert number_of_parts(connection, "t") > 10


def number_of_parts(connection: Connection, trace_id: str) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM parts WHERE trace_id = %s AND octet_length(hash) = 12", [trace_id]
    ).fetchone() or (0,)
    return int(count)


def test_the_parts_of_a_deleted_trace_go(connection: Connection, app: Flask) -> None:
    put(connection, *calls(6, trace=GONE), *calls(6, trace="other"))
    assert "parts" in tables_with(connection, GONE)
    with app.app_context():
        assert delete_trace("default", GONE)
    assert tables_with(connection, GONE) == []
    orphans = connection.execute("""
        SELECT p.trace_id FROM parts p LEFT JOIN traces t USING (project_id, trace_id)
        WHERE t.trace_id IS NULL AND p.trace_id <> ''
    """).fetchall()
    assert orphans == []
    (shown,) = connection.execute(
        "SELECT input::text FROM span_payloads WHERE span_id = 'call5'"
    ).fetchone() or ("",)
    assert msgspec.json.decode(shown)["messages"] == history(5)


def test_tools_that_are_offered_again_are_one_reference(connection: Connection) -> None:
    tools = [{"name": f"tool{n}", "description": f"{n} " * 100} for n in range(30)]
    offered = [tools, tools, tools[1:]]
    put(
        connection,
        *(
            span(f"s{n}", kind="generation", tools=value, start_time=T0 + n)
            for n, value in enumerate(offered)
        ),
    )
    rows = connection.execute(
        "SELECT r.tools::text, p.tools FROM span_payload_rows r"
        " JOIN span_payloads p USING (span_id) ORDER BY span_id"
    ).fetchall()
    assert [read for _, read in rows] == offered
    assert all(len(stored) < 40 for stored, _ in rows)
    assert rows[0][0] == rows[1][0] != rows[2][0]
    # Each tool once, the two lists, and the block of sixteen that each begins with.
    assert number_of_parts(connection, "t") == 30 + 2 + 2


@pytest.mark.parametrize("column", SPLIT_COLUMNS)
def test_each_column_may_refer_to_parts(connection: Connection, column: str) -> None:
    long = {"k": "v" * 1_500}
    value: Any = [long] * 4 if column in ("input", "output", "events", "tools") else long
    if column == "claimed":
        value = tuple(f"attribute.{n}" for n in range(90))
    put(connection, span("before"))
    put(connection, span("s", **{column: value}))
    bits, stored, read = connection.execute(
        f"SELECT r.split, r.{column}::text, p.{column}::text"
        " FROM span_payload_rows r JOIN span_payloads p USING (span_id) WHERE span_id = 's'"
    ).fetchone() or (0, "", "")
    assert bits == 1 << SPLIT_COLUMNS.index(column)
    assert len(stored) < 200
    assert read == splitting.encoder.encode(value).decode()
