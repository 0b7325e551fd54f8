"""Values of metadata, input and output come back as what the application sent, by each client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import event, ingest
from tests.support.langfuse.reads import PUBLIC, filter_condition, get, ids

TRACE, SPAN = "0" * 31 + "1", "0" * 15 + "2"
METADATA = "langfuse.observation.metadata."


def export(
    client: FlaskClient,
    attributes: dict[str, str],
    *,
    language: str = "nodejs",
    version: str = "5.11.1",
    parent: str | None = None,
    span_id: str = SPAN,
) -> None:
    """Export one span as an SDK of this language and version does."""
    span: dict[str, Any] = {
        "traceId": TRACE,
        "spanId": span_id,
        "name": "work",
        "startTimeUnixNano": "1767225600000000000",
        "endTimeUnixNano": "1767225601000000000",
        "attributes": [
            {"key": key, "value": {"stringValue": value}} for key, value in attributes.items()
        ],
    }
    if parent is not None:
        span["parentSpanId"] = parent
    resource = [{"key": "telemetry.sdk.language", "value": {"stringValue": language}}]
    scope = {"name": "langfuse-sdk", "version": version}
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": resource},
                "scopeSpans": [{"scope": scope, "spans": [span]}],
            }
        ]
    }
    response = client.post(f"{PUBLIC}/otel/v1/traces", json=body)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("language", "version", "sent", "expected"),
    [
        # All but strings are JSON here, so that a text and a number can be the same.
        ("nodejs", "5.11.1", "true", True),
        ("nodejs", "5.11.1", "42", 42),
        ("nodejs", "5.11.1", "0", 0),
        ("nodejs", "5.11.1", "-1.5e-3", -0.0015),
        ("nodejs", "5.11.1", "null", None),
        ("nodejs", "5.11.1", "9007199254740993", "9007199254740993"),
        ("nodejs", "5.11.1", "007", "007"),
        ("nodejs", "5.11.1", "1e999", "1e999"),
        ("nodejs", "5.11.1", "trueish", "trueish"),
        # Every value is JSON here.
        ("python", "5.0.4", '"42"', "42"),
        ("python", "5.0.4", "42", 42),
        ("python", "5.0.4", '"true"', "true"),
        ("python", "5.0.4", "false", False),
        ("python", "5.0.4", '"9007199254740993"', "9007199254740993"),
        ("python", "5.0.4", '["1",1]', ["1", 1]),
        # Strings, integers and booleans are sent as such here, only floats are JSON.
        ("python", "4.18.0", "42", "42"),
        ("python", "4.18.0", "true", "true"),
        ("python", "3.15.0", "42", "42"),
        ("python", "3.15.0", "0.5", 0.5),
        ("python", "4.18.0", '{"a": 1}', {"a": 1}),
    ],
)
def test_metadata_keeps_the_type_that_the_sdk_was_given(
    client: FlaskClient, language: str, version: str, sent: str, expected: Any
) -> None:
    export(client, {f"{METADATA}k": sent}, language=language, version=version)
    observation = get(client, f"observations/{SPAN}")
    value = observation["metadata"]["k"]
    assert (value, type(value)) == (expected, type(expected))
    trace_value = get(client, f"traces/{TRACE}")["metadata"]["k"]
    assert (trace_value, type(trace_value)) == (expected, type(expected))


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [("2", 2), ("true", True), ("0.5", 0.5), ('"2"', '"2"'), ("two", "two"), ("[1]", [1])],
)
def test_input_and_output_keep_their_type(
    client: FlaskClient, side: str, sent: str, expected: Any
) -> None:
    export(client, {f"langfuse.observation.{side}": sent})
    for path in (f"observations/{SPAN}", f"traces/{TRACE}"):
        value = get(client, path)[side]
        assert (value, type(value)) == (expected, type(expected))
    [row] = get(client, "v2/observations", fields="io")["data"]
    assert row[side] == sent


def test_numbers_and_texts_of_events_stay_what_they_are(client: FlaskClient) -> None:
    metadata = {"number": 42, "text": "42", "flag": True, "name": "true", "none": None}
    ingest(client, event("span-create", id="s", traceId="t", metadata=metadata, input="7"))
    observation = get(client, "observations/s")
    assert json.dumps(observation["metadata"], sort_keys=True) == json.dumps(
        metadata, sort_keys=True
    )
    assert observation["input"] == "7"


def test_null_in_the_metadata_of_events_is_kept_and_merged_like_other_values(
    client: FlaskClient,
) -> None:
    first = {"a": None, "b": 1, "c": {"d": None, "e": 2}}
    ingest(client, event("trace-create", id="t", metadata=first))
    ingest(client, event("span-create", id="s", traceId="t", metadata=first))
    merged = {"a": None, "b": None, "c": {"d": 3, "e": None}}
    later = {"b": None, "c": {"d": 3, "e": None}}
    ingest(client, event("trace-create", 1, id="t", metadata=later))
    ingest(client, event("span-update", 1, id="s", traceId="t", metadata=later))
    for path in ("observations/s", "traces/t"):
        assert json.dumps(get(client, path)["metadata"], sort_keys=True) == json.dumps(merged)
    # The older events again change nothing.
    ingest(client, event("trace-create", id="t", metadata=first))
    ingest(client, event("span-create", id="s", traceId="t", metadata=first))
    for path in ("observations/s", "traces/t"):
        assert get(client, path)["metadata"] == merged


def test_the_metadata_of_the_root_is_part_of_the_traces(client: FlaskClient) -> None:
    export(client, {f"{METADATA}experiment_name": "first", "langfuse.trace.metadata.own": "1"})
    child = "0" * 15 + "3"
    export(client, {f"{METADATA}inner": "x"}, parent=SPAN, span_id=child)
    expected = {"experiment_name": "first", "own": 1}
    assert get(client, f"traces/{TRACE}")["metadata"] == expected
    assert get(client, "traces")["data"][0]["metadata"] == expected
    for kind, key, value, expected_ids in (
        ("stringObject", "experiment_name", "first", [TRACE]),
        ("stringObject", "experiment_name", "other", []),
        ("stringObject", "inner", "x", []),
        ("numberObject", "own", 1, [TRACE]),
    ):
        condition = filter_condition(kind, "metadata", "=", value, key)
        assert ids(get(client, "traces", filter=json.dumps([condition]))) == expected_ids


def test_the_trace_keeps_its_own_value_of_a_key_that_the_root_has_as_well(
    client: FlaskClient,
) -> None:
    export(client, {f"{METADATA}k": "root", "langfuse.trace.metadata.k": "trace"})
    assert get(client, f"traces/{TRACE}")["metadata"] == {"k": "trace"}
