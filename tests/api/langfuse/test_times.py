"""Times of Langfuse's clients in the forms that JavaScript reads: dates, no seconds, 24:00."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import event, ingest
from tests.support.langfuse.reads import PUBLIC, get, ids
from tracer.wire.langfuse.times import lenient_time


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2023-12-01", "2023-12-01T00:00:00"),
        ("2023-12-01T10:20Z", "2023-12-01T10:20:00Z"),
        ("2023-12-31T24:00:00Z", "2024-01-01T00:00:00Z"),
        ("2023-12-31T24:00:00.000+01:00", "2024-01-01T00:00:00.000+01:00"),
        ("2023-12-31T24:00:01Z", "2023-12-31T24:00:01Z"),
        ("9999-12-31T24:00:00Z", "9999-12-31T24:00:00Z"),
        ("2023-12-01T10:20:30.123Z", "2023-12-01T10:20:30.123Z"),
        ("yesterday", "yesterday"),
        (5, 5),
    ],
)
def test_a_time_becomes_the_same_time_as_rfc_3339_has_it(sent: Any, expected: Any) -> None:
    assert lenient_time(sent) == expected


def test_a_model_starts_on_a_date(client: FlaskClient) -> None:
    body = {"modelName": "m", "matchPattern": "m", "startDate": "2023-12-01", "inputPrice": 0.1}
    answer = client.post(f"{PUBLIC}/models", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["startDate"] == "2023-12-01T00:00:00.000Z"


def test_lists_are_filtered_from_a_date_on(filled: FlaskClient) -> None:
    for path in ("traces", "v2/scores", "v3/scores"):
        assert ids(get(filled, path, fromTimestamp="2020-01-01"))
        assert ids(get(filled, path, fromTimestamp="2030-01-01")) == []


def test_an_event_ends_at_the_end_of_a_day(client: FlaskClient) -> None:
    times = {"startTime": "2025-12-31", "endTime": "2025-12-31T24:00:00Z"}
    ingest(client, event("span-create", id="s", traceId="t", **times))
    observation = get(client, "observations/s")
    assert observation["startTime"] == "2025-12-31T00:00:00.000Z"
    assert observation["endTime"] == "2026-01-01T00:00:00.000Z"
