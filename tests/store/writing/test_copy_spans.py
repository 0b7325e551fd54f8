"""Any value of a span is read back as it was: COPY has its own null, separators and escapes."""

from __future__ import annotations

from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.store.rows import clear_tables, put, table_rows
from tests.support.traces.records import span
from tracer.store.schema import span_payload_rows
from tracer.store.writing import copy_spans

Connection = psycopg.Connection[Any]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def test_every_column_of_a_payload_is_copied() -> None:
    columns = [*copy_spans._KEY_COLUMNS, *copy_spans._LABEL_COLUMNS, *copy_spans._JSON_COLUMNS]
    assert sorted([*columns, "split"]) == sorted(span_payload_rows.c.keys())


@given(text=texts, value=values)
@example(text="null", value="null")
@example(text="\\N", value="\\N")
@example(text="\\.", value="\\.\n\\.")
@example(text="a\tb\nc\rd\\t\v\x1f\x7f\x85\u2028", value={"\\": ["\t\n\r", "\\u0041", '"']})
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_of_a_span_is_read_back(connection: Connection, text: str, value: Any) -> None:
    clear_tables(connection)
    ids = {"parent": f"p{text}", "trace": f"t{text}"}
    names = dict.fromkeys(("requested_model", "provider", "prompt_name", "model"), text)
    values = {"input": value, "attributes": {text: value}, "finish_reasons": [text]}
    put(connection, span(f"s{text}", name=text, status_message=text, **ids, **names, **values))
    (narrow,) = [row for row in table_rows(connection, "spans") if not row["placeholder"]]
    (wide,) = table_rows(connection, "span_payloads")
    assert (narrow["span_id"], narrow["trace_id"]) == (f"s{text}", f"t{text}")
    assert (narrow["name"], narrow["status_message"], narrow["parent_span_id"]) == (
        text,
        text,
        f"p{text}",
    )
    assert {name: (narrow | wide)[name] for name in names} == names
    assert {name: wide[name] for name in values} == values


def test_a_missing_value_is_null(connection: Connection) -> None:
    put(connection, span("s"), span("own", "own"))
    row = next(row for row in table_rows(connection, "span_payloads") if row["span_id"] == "s")
    left = {name for name, value in row.items() if value is not None}
    assert left == {"project_id", "trace_id", "span_id"}
    (flagged,) = [row for row in table_rows(connection, "span_payloads") if row["span_id"] == "own"]
    assert flagged["sent_parent_id"] == "own"


def test_spans_of_one_batch_share_only_equal_values(connection: Connection) -> None:
    resource, other = {"service.name": "a"}, {"service.name": "b"}
    put(
        connection,
        span("1", resource=resource, provider="null", claimed=("x",)),
        span("2", resource=resource, provider=None, claimed=("x", "y")),
        span("3", resource=other, provider="null", prompt_name="null"),
        span("4", resource=dict(resource), prompt_version=3),
    )
    payloads = {row["span_id"]: row for row in table_rows(connection, "span_payloads")}
    assert [payloads[n]["resource"] for n in "1234"] == [resource, resource, other, resource]
    assert [payloads[n]["provider"] for n in "1234"] == ["null", None, "null", None]
    assert [payloads[n]["prompt_name"] for n in "1234"] == [None, None, "null", None]
    assert [payloads[n]["prompt_version"] for n in "1234"] == [None, None, None, 3]
    assert [payloads[n]["claimed"] for n in "1234"] == [["x"], ["x", "y"], None, None]
