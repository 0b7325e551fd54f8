"""SQL finds the same offered and called tools of a span as Python does."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.message_cases import CASES
from tests.support.store.rows import put
from tests.support.traces.records import span
from tracer.analysis.findings.tool_schemas import schemas_of
from tracer.extensions import db
from tracer.messages.conversation import read_messages
from tracer.store.schema import span_payloads
from tracer.store.traces import tool_calls

# Lists that were made texts are for those who read, not for those who search.
WRITTEN = {name: value for name, (value, _) in CASES.items() if "\\" not in str(value)}


def select_column(app: Flask, column: sa.ColumnElement[Any]) -> dict[str, Any]:
    with app.app_context():
        rows = db.session.execute(sa.select(span_payloads.c.span_id, column))
        return {row[0]: row[1] for row in rows}


def test_calls_in_sql_equal_those_of_the_messages(
    app: Flask, connection: psycopg.Connection[Any]
) -> None:
    put(connection, *[span(name, output=value) for name, value in WRITTEN.items()])
    names, counts = select_column(app, tool_calls.CALLED), select_column(app, tool_calls.CALL_COUNT)
    number = 0
    for name, value in WRITTEN.items():
        messages = read_messages(value, output=True) or []
        parts = [p for message in messages for p in message.parts if p.type == "tool_call"]
        assert names[name] == sorted({part.name for part in parts if part.name}), name
        assert counts[name] == len(parts), name
        number += len(parts)
    assert number >= 8


OPENAI = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    "output",
    [
        "call f",
        ["a", {"type": "text", "text": "f"}],
        {"tools": [OPENAI], "output": []},
        {"type": "phone_call", "name": "Ann"},
        {"tool_calls": None, "functionCall": "f"},
        {"type": "tool_result", "tool_use_id": "c", "name": "f"},
        7,
    ],
)
def test_values_without_a_call_have_none(
    app: Flask, connection: psycopg.Connection[Any], output: Any
) -> None:
    put(connection, span("s", output=output))
    assert select_column(app, tool_calls.CALLED) == {"s": []}
    assert select_column(app, tool_calls.CALL_COUNT) == {"s": 0}


@pytest.mark.parametrize(
    "tools",
    [
        [OPENAI, OPENAI],
        [{"name": "g", "input_schema": {"type": "object"}}, {"type": "web_search"}],
        [{"functionDeclarations": [{"name": "a", "parameters": {}}]}],
        [{"function_declarations": [{"name": "a", "parameters": {}}]}, OPENAI],
    ],
)
def test_offered_tools_have_the_names_of_their_schemas(
    app: Flask, connection: psycopg.Connection[Any], tools: list[Any]
) -> None:
    put(connection, span("s", tools=tools), span("none"))
    names = sorted(schemas_of(tools))
    assert select_column(app, tool_calls.OFFERED) == {"s": names, "none": []}
    assert select_column(app, tool_calls.OFFER_COUNT) == {"s": len(names), "none": 0}
