"""Short values of many spans are stored in packs, and every payload is read as it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.store.payloads import values
from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tests.support.waiting import wait_until
from tracer.store.database.background_upgrade import OlderServers, application_name
from tracer.store.parts import pack as packing
from tracer.store.parts.assemble import Assembler, PartKey
from tracer.store.parts.columns import PACKED_COLUMNS, bit
from tracer.store.parts.pack import PACK_BELOW, PACK_FROM, PayloadRow, is_packed, pack
from tracer.store.parts.split import Parts, encoder
from tracer.store.parts.whole_rows import WholeRows
from tracer.store.texts.fill import index_words
from tracer.store.writing.delete import delete_trace

Connection = psycopg.Connection[Any]


def text(number: int) -> str:
    return f"jakaranda{number} “ö😀” \\ \n " * 12


def spans(count: int = 20, **fields: Any) -> list[Any]:
    return [
        span(f"s{n:02}", start_time=T0 + n, input=text(n), output={"t": text(n)}, **fields)
        for n in range(count)
    ]


def read(connection: Connection) -> dict[str, tuple[Any, Any]]:
    rows = connection.execute("SELECT span_id, input, output FROM span_payloads").fetchall()
    return {span_id: (input_value, output) for span_id, input_value, output in rows}


def packs(connection: Connection) -> int:
    query = "SELECT count(*) FROM parts WHERE octet_length(hash) = 6"
    (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


@given(st.lists(st.lists(values, max_size=3), max_size=40), st.integers(0, 600))
@settings(max_examples=80, deadline=None)
def test_any_values_come_out_of_packs_again(sent: list[list[Any]], padding: int) -> None:
    texts = [[encoder.encode([value, "é" * padding]) for value in row] for row in sent]
    rows = [
        PayloadRow(list(row), 0, [(n, 1 << n) for n in range(len(row)) if n != 1]) for row in texts
    ]
    parts: Parts = {}
    pack(rows, parts)

    def fetch(keys: list[PartKey], _: int) -> Iterator[tuple[str, bytes, str]]:
        return ((trace_id, pack_id, parts[pack_id].text.decode()) for trace_id, pack_id in keys)

    assembler = Assembler(fetch, 10**9)
    for row, originals in zip(rows, texts, strict=True):
        for n, (stored, original) in enumerate(zip(row.columns, originals, strict=True)):
            if row.split & 1 << n:
                reference = msgspec.json.decode(stored)
                assert is_packed(reference)
                assert assembler.load([("t", reference)])
                assert assembler.whole_text("t", reference).encode() == original
                assert encoder.encode(assembler.value("t", reference)) == original
            else:
                assert stored == original
    together = sum(len(row[n]) for row in texts for n in range(len(row)) if n != 1)
    # Too little to be compressed stays in its rows.
    assert bool(parts) == (together >= 2_500)
    assert all(len(part.text) >= 2_500 and part.text[:1] == b"[" for part in parts.values())


def test_short_values_of_many_spans_share_packs(connection: Connection, app: Flask) -> None:
    sent = spans()
    put(connection, *sent)
    expected = {each.span_id: (each.input, each.output) for each in sent}
    assert read(connection) == expected
    assert 1 < packs(connection) < 5
    # As an export reads them.
    columns = "span_id, split, input::text, output::text"
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        rows = cursor.execute(f"SELECT {columns} FROM span_payload_rows").fetchall()
    assert all(is_packed(msgspec.json.decode(row["output"])) for row in rows)
    WholeRows(connection, "default").complete("t", rows)
    for row in rows:
        values = (msgspec.json.decode(row[name]) for name in ("input", "output"))
        assert tuple(values) == expected[row["span_id"]]
    # The function gives the same as the view, for servers of the version before.
    wrong = connection.execute("""
        SELECT count(*) FROM span_payload_rows r JOIN span_payloads p USING (span_id)
        WHERE assemble_payload('default', 't', r.input) IS DISTINCT FROM p.input::text
    """).fetchone()
    assert wrong == (0,)
    index_words(connection, [("default", "t")])
    (indexed_words,) = connection.execute(
        "SELECT tsvector_to_array(words) FROM trace_words WHERE trace_id = 't'"
    ).fetchone() or ([],)
    assert {"jakaranda7", "jakaranda19"} <= set(indexed_words)
    connection.commit()
    with app.app_context():
        assert delete_trace("default", "t")
    assert packs(connection) == 0


def test_a_span_is_packed_once_when_it_ends(connection: Connection) -> None:
    put(connection, *spans(end_time=None))
    assert packs(connection) == 0
    put(connection, *spans())
    count = packs(connection)
    assert count > 0
    changed = spans(version=T0 + 10**9)
    for each in changed:
        each.input = f"later {each.input}"
    put(connection, *changed)
    assert packs(connection) == count
    assert read(connection) == {each.span_id: (each.input, each.output) for each in changed}


@pytest.mark.parametrize("column", PACKED_COLUMNS)
def test_each_of_these_columns_may_be_packed(connection: Connection, column: str) -> None:
    value = [{"k": "v" * 400}]
    put(connection, *(span(f"s{n}", **{column: value}) for n in range(10)))
    rows = connection.execute(
        f"SELECT r.split, r.{column}, p.{column} FROM span_payload_rows r"
        " JOIN span_payloads p USING (span_id)"
    ).fetchall()
    assert [(bits, is_packed(stored), whole) for bits, stored, whole in rows] == [
        (bit(column), True, value)
    ] * 10
    assert PACK_FROM < len(encoder.encode(value)) < PACK_BELOW


def test_nothing_is_packed_beside_servers_that_cannot_read_packs(connection: Connection) -> None:
    older = OlderServers("0036")
    name = application_name("0035")
    with psycopg.connect(connection.info.dsn, application_name=name):
        put(connection, *spans())
        assert packs(connection) == 0
        assert older.connected(connection)
    # It is not asked again at once.
    assert older.connected(connection)

    def gone() -> bool:
        connection.rollback()
        older._checked_at -= 11
        return not older.connected(connection)

    wait_until(gone, "the end of the older server")
    put(connection, *spans())
    assert packs(connection) == 0  # they are stored already
    put(connection, *(span(f"u{n}", input=text(n)) for n in range(20)))
    assert packs(connection) > 0


def test_a_pack_never_replaces_another_one(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing.secrets, "token_bytes", lambda size: b"\xff" * size)
    put(connection, *spans(8))
    before = read(connection)
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(connection, *(span(f"u{n}", input=text(n)) for n in range(20)))
    assert read(connection) == before
