"""A trace that is exported as OTLP/JSON and imported is the same, row by row."""

from __future__ import annotations

from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.store.round_trips import assert_copy_is_equal, export_text, import_text
from tests.support.store.rows import clear_tables, put
from tests.support.traces.records import T0, span, trace_record
from tracer.export import from_json, otlp
from tracer.export import json as json_format
from tracer.records import KINDS, LEVELS, Json, ScoreRecord, SpanPatch, TraceRecord

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
keys = st.one_of(
    texts, st.sampled_from(["tracer.kind", "model", "session.id", "span.kind", "input"])
)
values = st.recursive(
    st.one_of(st.none(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
objects = st.dictionaries(keys, values, max_size=4)
ids = st.sampled_from(["a" * 16, "0" * 15 + "1", "b", "c/ü", "D" * 16, "0" * 16, "e" * 17])
usages = st.dictionaries(st.sampled_from(["input", "output", "cache_read"]), st.integers(0, 10**9))
times = st.integers(T0 - 10**7, T0 + 10**7)
events = st.builds(
    lambda name, time, attributes: {"name": name, "time": time, "attributes": attributes},
    texts,
    st.sampled_from([None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "soon"]),
    objects,
)
links = st.builds(
    lambda trace, span_id, attributes: {
        "trace_id": trace,
        "span_id": span_id,
        "attributes": attributes,
    },
    st.sampled_from(["a" * 32, "x"]),
    st.sampled_from(["b" * 16, ""]),
    objects,
)


def otlp_of(text: str) -> str:
    """Return a JSON export as the OTLP/JSON that its import sends."""
    [source] = from_json.read(text.encode())
    return "".join(otlp.write(source))


@st.composite
def records(draw: st.DrawFn, span_id: str) -> Any:
    """A span with anything in it, below any other or one that never comes, or itself."""
    start = draw(times)
    cost = draw(st.dictionaries(st.sampled_from(["input", "total"]), st.decimals(0, 9, places=6)))
    return span(
        span_id,
        draw(st.one_of(st.none(), ids, st.sampled_from(["gone", "f" * 16]))),
        start_time=start,
        end_time=draw(st.one_of(st.none(), times)),
        version=draw(times),
        kind=draw(st.sampled_from(KINDS)),
        level=draw(st.sampled_from(LEVELS)),
        name=draw(texts),
        status_message=draw(st.one_of(st.none(), texts)),
        first_token_time=draw(st.one_of(st.none(), times)),
        model=draw(st.one_of(st.none(), st.sampled_from(["gpt-4o", "unheard-of"]))),
        requested_model=draw(st.one_of(st.none(), texts)),
        usage=draw(usages),
        cost=cost,
        cost_source="given" if cost else None,
        call_id=draw(st.sampled_from([None, "r1", "r2"])),
        echo=draw(st.booleans()),
        prompt_version=draw(st.one_of(st.none(), st.integers(0, 9))),
        dialect=draw(st.sampled_from([None, "gen_ai"])),
        claimed=draw(st.sampled_from([(), ("gen_ai.system",)])),
        flags=draw(st.lists(st.sampled_from(["truncated", "cleaned", "dropped"]), unique=True)),
        notes=draw(objects),
        input=draw(values),
        output=draw(values),
        metadata=draw(objects),
        attributes=draw(objects),
        events=draw(st.lists(events, max_size=2)),
        links=draw(st.lists(links, max_size=2)),
        resource=draw(st.one_of(st.just({"service.name": "one", "env": "x"}), objects)),
        scope=draw(st.sampled_from([{}, {"name": "s"}, {"name": "s", "attributes": {"a": 2**70}}])),
        tools=draw(st.lists(objects, max_size=1)),
        finish_reasons=draw(st.lists(texts, max_size=1)),
        model_parameters=draw(objects),
    )


@st.composite
def patches(draw: st.DrawFn) -> SpanPatch:
    """An update of a span that is there, or of one of which nothing else arrives."""
    fields: dict[str, Json] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "output": values,
                "name": st.one_of(st.none(), texts),
                "end_time": st.one_of(st.none(), times),
                "level": st.sampled_from(LEVELS),
                "metadata": objects.filter(bool),
                "attributes": objects,
                "model": st.sampled_from(["gpt-4o", None]),
                "flags": st.just(["cleaned"]),
            },
        ).filter(bool)
    )
    version = draw(times)
    deep = draw(st.booleans())
    return SpanPatch(trace_id="t", span_id=draw(ids), version=version, fields=fields, deep=deep)


@st.composite
def claims(draw: st.DrawFn) -> TraceRecord:
    """Fields, tags and metadata of the trace."""
    fields = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "name": texts,
                "user_id": texts,
                "session_id": st.sampled_from(["s1", "s/2"]),
                "environment": texts,
                "public": st.booleans(),
                "input": values,
                "output": values,
                "start_time": times,
                "release": st.one_of(st.none(), texts),
            },
        )
    )
    record = trace_record(rank=draw(st.integers(1, 4)), version=draw(times), **fields)
    record.tags = draw(st.lists(texts, max_size=2))
    record.replace_tags = draw(st.booleans())
    record.metadata = draw(objects)
    record.deep = draw(st.booleans())
    record.tag_edits = draw(st.dictionaries(texts, st.booleans(), max_size=2))
    record.editor = draw(texts)
    return record


@st.composite
def scores(draw: st.DrawFn) -> ScoreRecord:
    """A judgement of the trace or of a span of it."""
    number = draw(st.booleans())
    return ScoreRecord(
        score_id=draw(st.sampled_from(["1", "2", "3"])),
        name=draw(texts.filter(bool)),
        data_type="numeric" if number else "text",
        value=draw(st.floats(-1e9, 1e9)) if number else None,
        string_value=None if number else draw(texts),
        trace_id="t",
        span_id=draw(st.one_of(st.none(), ids)),
        comment=draw(st.one_of(st.none(), texts)),
        source=draw(st.sampled_from(["api", "otlp", "ui"])),
        metadata=draw(objects),
        time=draw(times),
        author=draw(st.one_of(st.none(), texts)),
        author_id=draw(st.one_of(st.none(), texts)),
        config_id=draw(st.sampled_from([None, "c"])),
        environment=draw(st.sampled_from([None, "e"])),
        queue_id=draw(st.sampled_from([None, "q"])),
    )


@st.composite
def traces(draw: st.DrawFn) -> list[Any]:
    """All that is stored of one trace."""
    items: list[Any] = [
        draw(records(span_id)) for span_id in draw(st.lists(ids, min_size=1, unique=True))
    ]
    items += draw(st.lists(patches(), max_size=3))
    items += draw(st.lists(claims(), max_size=3))
    return items + draw(st.lists(scores(), max_size=3))


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(
    [
        span("a"),
        SpanPatch(
            trace_id="t",
            span_id="a",
            version=T0,
            fields={"metadata": {"b": {"c": None}}},
            deep=True,
        ),
        SpanPatch(trace_id="t", span_id="a", version=T0, fields={"metadata": {"d": None}}),
    ]
)
@given(traces())
def test_any_trace_is_imported_as_it_was_exported(
    connection: psycopg.Connection[Any], items: list[Any]
) -> None:
    clear_tables(connection)
    put(connection, *items)
    text = export_text()
    import_text(connection, text)
    assert_copy_is_equal(connection)
    import_text(connection, otlp_of(export_text(json_format.write)), "of JSON")
    assert_copy_is_equal(connection, "of JSON")
    # And into where it came from: nothing changes.
    import_text(connection, text, "default")
    assert_copy_is_equal(connection)
