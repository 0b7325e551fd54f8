"""The digits of a number come back as they were sent: from the API, on pages and in exports."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

TRACE = "000000000000000000000000000000d1"
DIGITS = ("0.12345678901234567890", "1e-400", "12345678901234567890.5", "-3.141592653589793238462")
INPUT = f'{{"values": [{", ".join(DIGITS)}], "plain": 0.25}}'
PAGE = f"/project/default/traces/{TRACE}"


@pytest.fixture
def stored(client: FlaskClient) -> None:
    """A span whose input and metadata hold numbers that no float has room for."""
    post(client, "")


def post(client: FlaskClient, more: str) -> None:
    times = '"start_time": "2026-11-23T14:00:00Z", "end_time": "2026-11-23T14:00:01Z"'
    values = f'"input": {INPUT}, "metadata": {INPUT}{more}'
    span = f'{{"id": "s", "trace_id": "{TRACE}", {times}, {values}}}'
    answer = client.post(
        "/api/v1/batch", data=f'{{"spans": [{span}]}}', content_type="application/json"
    )
    assert answer.json is not None
    assert answer.json["refused"] == 0, answer.text


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/traces/{TRACE}/spans/s",
        f"/api/v1/traces/{TRACE}/export?format=json",
        f"/api/v1/traces/{TRACE}/export?format=markdown",
        f"/api/v1/traces/{TRACE}/export?format=html",
        f"/api/v1/traces/{TRACE}/export?format=otlp",
        f"/api/public/observations/s?traceId={TRACE}",
        f"{PAGE}?span=s",
        f"{PAGE}?span=s&raw=1",
        f"{PAGE}?span=s&tab=metadata",
        f"{PAGE}?span=s&tab=raw",
        f"{PAGE}/value?id=s&at=/input&as=text",
        f"{PAGE}/value.json?id=s&at=/input",
        f"{PAGE}/span.json?id=s",
    ],
)
def test_digits_come_back(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    for digits in DIGITS:
        assert digits in answer.text, digits


@pytest.mark.usefixtures("stored")
def test_digits_survive_an_update_and_a_number_below_floats_is_flagged(client: FlaskClient) -> None:
    post(client, ', "name": "renamed"')
    span = json.loads(client.get(f"/api/v1/traces/{TRACE}/spans/s").text)
    assert span["name"] == "renamed"
    assert "cleaned" in span["flags"]
    assert "range" in json.dumps(span["notes"])
    text = client.get(f"{PAGE}/value?id=s&at=/input/values/0&as=text").text
    assert text == DIGITS[0]


@pytest.mark.usefixtures("stored")
def test_a_number_field_takes_a_number_with_many_digits(client: FlaskClient) -> None:
    score = f'{{"trace_id": "{TRACE}", "name": "exact", "value": {DIGITS[0]}}}'
    answer = client.post("/api/v1/scores", data=score, content_type="application/json")
    assert answer.status_code in (200, 201), answer.text
    scores = json.loads(client.get(f"/api/v1/traces/{TRACE}").text)["scores"]
    assert scores[0]["value"] == float(DIGITS[0])
