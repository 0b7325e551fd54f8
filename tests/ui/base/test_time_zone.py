"""The reader's time zone: times are shown and typed in it, the API stays in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import parse
from tests.support.pages.requests import SAME_ORIGIN, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder

# In Tokyo this is the next day.
START = int(datetime(2026, 11, 22, 20, 30, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture(autouse=True)
def a_trace(store_traces: StoreTraces) -> None:
    store_traces(TraceBuilder("a" * 32, START, name="late").span("r"))


def stamp(client: FlaskClient) -> str:
    page = parse(client.get("/project/default/traces").text)
    return page.one("td", "when")["title"]


def match_count(client: FlaskClient, text: str) -> int:
    page = parse(client.get("/project/default/traces", query_string={"q": text}).text)
    return len(page.all("a", "open"))


def test_times_are_shown_and_typed_in_the_zone_of_the_browser(client: FlaskClient) -> None:
    assert stamp(client) == "2026-11-22 20:30:00.000 UTC"
    assert match_count(client, "start:2026-11-22") == 1
    client.set_cookie("tracer_zone", "auto:Asia/Tokyo")
    assert stamp(client) == "2026-11-23 05:30:00.000 JST"
    assert match_count(client, "start:2026-11-22") == 0
    assert match_count(client, "start:2026-11-23T05:30") == 1
    data: Any = client.get("/api/v1/traces?q=start:2026-11-22").get_json()
    assert [row["start_time"] for row in data["data"]] == ["2026-11-22T20:30:00.000000Z"]


def test_the_bars_over_a_list_are_days_of_the_reader(client: FlaskClient) -> None:
    client.set_cookie("tracer_zone", "Asia/Tokyo")
    answer = client.get("/project/default/histogram?q=start:2026-11-23..2027-01-20")
    page = parse(answer.text)
    bar = next(a for a in page.all("a") if "data-period" in a.attributes)
    assert bar["data-period"] == "2026-11-23T00:00..2026-11-23T05:59"
    assert len(parse(client.get(bar["href"]).text).all("a", "open")) == 1


def test_the_reader_chooses_a_zone_and_takes_the_browsers_again(client: FlaskClient) -> None:
    form = {"zone": "Europe/Berlin", "back": "/project/default/traces"}
    answer = client.post("/time-zone", data=form, headers=SAME_ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, form["back"])
    assert stamp(client).endswith("21:30:00.000 CET")
    chosen = parse(client.get("/time-zone").text).one("option", selected="")
    assert chosen.text == "Europe/Berlin"
    client.post("/time-zone", data={"zone": ""}, headers=SAME_ORIGIN)
    assert stamp(client).endswith("UTC")
    for wrong in ("../../etc/passwd", "Mars/Base"):
        assert (
            client.post("/time-zone", data={"zone": wrong}, headers=SAME_ORIGIN).status_code == 422
        )
        client.set_cookie("tracer_zone", wrong)
        assert stamp(client).endswith("UTC")
