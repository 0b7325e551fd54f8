"""Inputs and outputs of each dialect are read as messages; names are made readable."""

from __future__ import annotations

import json

import pytest

from tests.support.paths import ROOT
from tests.support.wire.otlp import decode_json, only_record, span
from tracer.mapping import mapping_of
from tracer.messages.conversation import read_messages

CASES = ROOT / "tests" / "wire" / "cases"

READ = {
    "google_adk-call-llm": ("system: Answer briefly. | user: Weather in Paris?", "get_weather()"),
    "livekit-llm-request": (
        "system: You are Kelly. | user: Weather in Paris? | assistant: get_weather() | tool: =",
        None,
    ),
    "livekit-marked-content": (
        "system: You are Kelly. | user: Weather in Paris?",
        "One moment. get_weather()",
    ),
    "genkit-model": ("system: Be brief. | user: Weather in Paris?", "getWeather()"),
    "genkit-tool-messages": (
        "user: Weather in Paris? | assistant: getWeather() | tool: =",
        "21 degrees.",
    ),
    "flue-turn": (
        "system: Translate. | user: Good morning | assistant: lookup() | tool: =",
        "finish()",
    ),
}


def lines(value: object, *, output: bool = False) -> list[str] | None:
    """Return each message as one line: its text, tool calls as ``name()``, results as ``=``."""
    messages = read_messages(value, output=output)
    if messages is None:
        return None
    return [
        f"{message.role}: "
        + " ".join(
            {"tool_call": f"{part.name}()", "tool_result": "="}.get(part.type, part.text or "?")
            for part in message.parts
        )
        for message in messages
    ]


@pytest.mark.parametrize("name", READ)
def test_requests_and_answers_are_read_as_messages(name: str) -> None:
    case = json.loads((CASES / f"{name}.json").read_text())
    [record] = decode_json(case["otlp"]).batch.spans
    input_line, output_text = READ[name]
    assert " | ".join(lines(record.input) or []) == input_line
    if output_text is not None:
        assert lines(record.output, output=True) == [f"assistant: {output_text}"]


@pytest.mark.parametrize(
    ("sent", "attributes", "readable"),
    [
        ("GET", {"http.request.method": "GET", "http.route": "/a/{id}"}, "GET /a/{id}"),
        ("get", {"http.method": "GET", "http.target": "/a?b=c"}, "GET /a"),
        ("GET", {"http.request.method": "GET", "url.full": "http://[::1"}, "GET"),
        ("load order", {"http.request.method": "GET", "http.route": "/a"}, "load order"),
        ("SELECT", {"db.statement": "select 1"}, "SELECT"),
        ("query", {"db.query.text": "DELETE FROM `a`.`b`"}, "DELETE a.b"),
        ("shop", {"db.name": "shop", "db.operation": "find", "db.collection.name": "o"}, "find o"),
        ("load order", {"db.statement": "SELECT 1 FROM a"}, "load order"),
        ("Get", {"rpc.service": "Orders", "rpc.method": "Get"}, "Orders/Get"),
        ("Get", {"rpc.system": "grpc"}, "Get"),
    ],
)
def test_a_generic_name_is_made_readable(
    sent: str, attributes: dict[str, str], readable: str
) -> None:
    record = only_record(span(attributes, name=sent))
    assert record.name == readable
    assert record.notes == ({} if sent == readable else {"name": {"sent": sent}})
    assert {*attributes} <= {*record.attributes, *record.claimed}


def test_the_mapping_shows_the_name_that_was_sent() -> None:
    record = only_record(span({"http.request.method": "GET", "http.route": "/a"}, name="GET"))
    fields = {item.attribute: item.fields for item in mapping_of(record).mapped}
    assert [(field.field, field.value) for field in fields["(name)"]] == [("name", "GET /a")]
    assert fields["http.route"][-1].field == "name"


def test_a_failure_is_an_error_where_the_dialect_implies_debug() -> None:
    scope = {"name": "livekit-agents"}
    spans = [
        span(name="on_enter"),
        span(name="on_exit", spanId="b7ad6b7169203332", status={"code": 2}),
    ]
    request = {"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": spans}]}]}
    assert [record.level for record in decode_json(request).batch.spans] == ["debug", "error"]


def test_counts_of_gemini_that_contradict_each_other_lose_no_token() -> None:
    blob = {"usage_metadata": {"prompt_token_count": 5, "cached_content_token_count": 9}}
    attributes = {"gcp.vertex.agent.llm_response": json.dumps(blob)}
    scope = {"name": "gcp.vertex.agent"}
    request = {"resourceSpans": [{"scopeSpans": [{"scope": scope, "spans": [span(attributes)]}]}]}
    [record] = decode_json(request).batch.spans
    assert record.usage == {"input": 5, "cache_read": 9}
