"""Text across traces: what the index finds is what a plain reading of the texts finds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import T0, span
from tracer.analysis.log import words
from tracer.analysis.log.trace_words import text_query
from tracer.extensions import db
from tracer.query.tree import Words
from tracer.records import RANK_CREATE, TraceRecord
from tracer.store.query.selection import Selection
from tracer.store.schema import traces
from tracer.store.texts import conditions
from tracer.store.texts.conditions import prefilter, text_condition
from tracer.store.texts.fill import fill_some
from tracer.store.texts.hits import hits
from tracer.store.traces.traces import list_traces
from tracer.store.writing import delete


def texts_match(texts: Iterable[str], text: str) -> bool:
    """Return whether a search for a text finds a trace with these texts, without an index."""
    texts = list(texts)
    query = text_query(text)
    all_words = {
        word
        for content in texts
        for raw in words.raw_words(content.encode())
        for word in words.index_words(raw)
    }
    return all(any(term.matches(word) for word in all_words) for term in query.terms) and all(
        any(part.lower() in content.lower() for content in texts) for part in query.parts
    )


MATCHING = [
    ("refund", "please refund the order"),
    ("REFUN", "please refund the order"),
    ("timeout", "CursorTimeout in refund_payment"),
    ("payment", "CursorTimeout in refund_payment"),
    ("ORD-47590", "about ORD-4759090 again"),
    ("59090", "about ORD-4759090 again"),
    ("the order", "please refund the order"),
    ('say "no"', 'they say "no" to it'),
    ("退款", "我要退款到银行卡"),
    ("ตรวจสอบ", "ช่วยตรวจสอบคำสั่งซื้อ"),
    ("استرداد", "أريد استرداد المبلغ"),
    ("is", "it is so"),
]
MISSED = [
    ("efund", "please refund the order"),
    ("is", "issue"),
    ("order the", "please refund the order"),
    ("59091", "about ORD-4759090 again"),
    ("款到退", "我要退款到银行卡"),
]


def ids_where(condition: sa.ColumnElement[bool]) -> set[str]:
    """Return the ids of the default project's traces that fulfil a condition."""
    query = sa.select(traces.c.trace_id).where(traces.c.project_id == "default", condition)
    ids = set(db.session.scalars(query))
    db.session.rollback()
    return ids


def index_all(connection: psycopg.Connection[Any]) -> None:
    """Index every trace that has changed, however recently."""
    connection.execute("UPDATE text_due SET due_at = now() - interval '1 minute'")
    connection.commit()
    while fill_some(connection):
        pass


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [(*case, True) for case in MATCHING] + [(*case, False) for case in MISSED],
)
def test_words_begin_alike_ids_and_scripts_without_spaces_match_anywhere(
    app: Flask,
    connection: psycopg.Connection[Any],
    text: str,
    content: str,
    expected: bool,
    indexed: bool,
) -> None:
    put(connection, span("a", input={"question": content}), span("b", "a", name="other"))
    put(connection, span("a", trace="u", name="chat"))
    if indexed:
        index_all(connection)
    with app.app_context():
        assert ids_where(text_condition(traces, text)) == ({"t"} if expected else set())
    assert texts_match([content], text) == expected


PLACES = [
    {"name": "zebra"},
    {"status_message": "the zebra failed", "level": "error"},
    {"output": ["zebra"]},
    {"metadata": {"animal": "zebra"}},
    {"attributes": {"tool.arguments": '{"animal": "zebra"}'}},
]


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("fields", PLACES)
def test_names_errors_outputs_metadata_and_arguments_are_searched(
    app: Flask, connection: psycopg.Connection[Any], fields: dict[str, Any], indexed: bool
) -> None:
    put(connection, span("root", name="chat"), span("x", "root", start_time=T0 + 1, **fields))
    if indexed:
        index_all(connection)
    with app.app_context():
        assert ids_where(text_condition(traces, "zebra")) == {"t"}
        hit = hits("default", ["t", "missing"], "zebra")["t"]
    assert (hit.span_id, hit.match) == ("x", "zebra")


@pytest.mark.parametrize("indexed", [False, True])
def test_repeated_messages_are_searched_where_they_are_stored_once(
    app: Flask, connection: psycopg.Connection[Any], indexed: bool
) -> None:
    messages = [{"role": "user", "content": f"question {n} of the zebra " * 20} for n in range(40)]
    calls = [span(name, None if name == "a" else "a", kind="generation") for name in "abc"]
    for call in calls:
        call.input = messages
    put(connection, *calls)
    assert connection.execute("SELECT count(*) > 0 FROM parts").fetchone() == (True,)
    if indexed:
        index_all(connection)
    with app.app_context():
        for text in ("zebra", "question 39 of the zebra"):
            assert ids_where(text_condition(traces, text)) == {"t"}
            assert hits("default", ["t"], text)["t"].span_id == "a"
        assert ids_where(text_condition(traces, "question 40")) == set()


def test_the_hit_of_a_phrase_is_shown_with_the_words_around_it(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, span("root"), span("x", "root", input="first the Blue Whale swims, then not"))
    with app.app_context():
        hit = hits("default", ["t"], "blue whale")["t"]
    assert (hit.span_id, hit.match) == ("x", "Blue Whale")
    assert hit.before.endswith("first the ")
    assert hit.after.startswith(" swims")


def test_a_deleted_trace_leaves_no_words(app: Flask, connection: psycopg.Connection[Any]) -> None:
    put(connection, span("a", input="zebra"))
    index_all(connection)
    put(connection, span("b", "a", input="again"))
    with app.app_context():
        delete.delete_trace("default", "t")
        assert ids_where(text_condition(traces, "zebra")) == set()
    for table in ("trace_words", "text_due"):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_change_while_the_worker_reads_is_indexed_later(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, span("a"))
    connection.execute("UPDATE text_due SET due_at = now() - interval '1 minute'")
    connection.commit()
    with psycopg.connect(connection.info.dsn) as other, other.transaction():
        fill_some(other)
        put(connection, span("b", "a", input="zebra"))
    assert connection.execute("SELECT count(*) FROM text_due").fetchone() == (1,)


def test_values_of_spans_and_metadata_narrow_down_the_traces(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    plan = {"plan": "it's \\ pro", "n": 3}
    put(connection, span("a", kind="tool", name="search web"))
    put(connection, TraceRecord(trace_id="t", rank=RANK_CREATE, version=T0, metadata=plan))
    put(connection, span("a", trace="u", kind="generation", name="chat", model="m"))
    index_all(connection)
    cases = [
        ([("kind", "tool"), ("name", "search web")], {"t"}),
        ([("metadata.plan", "it's \\ pro")], {"t"}),
        ([("metadata.n", "3")], {"t"}),
        ([("model", "m")], {"u"}),
        ([("kind", "tool"), ("model", "m")], set()),
        ([("name", "x" * 500)], {"t", "u"}),
    ]
    with app.app_context():
        for values, expected in cases:
            narrowed = prefilter(traces, values)
            assert ids_where(sa.true() if narrowed is None else narrowed) == expected


WORDS = st.sampled_from(["refund", "Refund_x", "CamelCase", "a1b2c3", "ab12", "is", "退款到", "é"])
TEXTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
QUERIES = st.one_of(
    TEXTS,
    WORDS.flatmap(lambda word: st.integers(0, len(word) - 1).map(lambda start: word[start:])),
    WORDS.flatmap(lambda word: st.integers(1, len(word)).map(lambda end: word[:end])),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("tuv"), st.sampled_from("ab"), TEXTS),
        st.tuples(st.sampled_from(["delete", "index"]), st.sampled_from("tuv")),
    ),
    max_size=10,
)


@pytest.mark.parametrize("frequent", [False, True])
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, queries=st.lists(QUERIES, min_size=1, max_size=4))
def test_any_inserts_updates_deletes_and_late_spans_find_what_a_recount_finds(
    app: Flask,
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    frequent: bool,
    steps: list[tuple[str, ...]],
    queries: list[str],
) -> None:
    if frequent:
        monkeypatch.setattr(conditions, "FREQUENT_TRACES", -1)
        monkeypatch.setattr(conditions, "FREQUENT_SHARE", -1.0)
    clear_tables(connection)
    connection.execute("DELETE FROM trace_words")
    connection.execute("DELETE FROM text_due")
    connection.execute("DELETE FROM tombstones")
    connection.commit()
    content: dict[str, dict[str, list[str]]] = {}
    gone: set[str] = set()
    with app.app_context():
        for number, step in enumerate(steps):
            if step[0] == "index":
                index_all(connection)
            elif step[0] == "delete":
                delete.delete_trace("default", step[1])
                gone |= {step[1]} & content.keys()
                content.pop(step[1], None)
            elif step[1] not in gone:
                _, trace_id, span_id, text = step
                put(connection, span(span_id, trace=trace_id, input=text, version=T0 + number))
                own = [f"{span_id} span", text]
                content.setdefault(trace_id, {})[span_id] = own
        for query in queries:
            expected = {
                trace_id
                for trace_id, texts in content.items()
                if texts_match(chain.from_iterable(texts.values()), query)
            }
            assert ids_where(text_condition(traces, query)) == expected, query
            selection = Selection(Words(query))
            assert {row.trace_id for row in list_traces("default", selection).items} == expected
            db.session.rollback()
