"""The log of a trace, as a browser without scripts gets it."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace, wide_trace
from tracer.store import thresholds
from tracer.times import from_micros

AGENT = "a" * 32
LOG = f"/traces/{AGENT}/log"


def names(get_page: Element) -> list[str]:
    return [link.text for link in get_page.one("table", "log").all("a", "open")]


def logged_trace() -> TraceBuilder:
    story = agent_trace()
    broken = {"exception.type": "Timeout", "exception.message": "no answer"}
    time = story.batch.spans[0].start_time + 4_500_000
    event: dict[str, Any] = {
        "name": "exception",
        "time": from_micros(time).isoformat(),
        "attributes": broken,
    }
    return story.span("pay", "root", 4, 5, kind="tool", events=[event], output="CursorTimeout")


def test_spans_and_events_are_in_time_order(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(logged_trace())
    log = get_page(LOG)
    assert names(log)[:3] == ["resolve_ticket", "plan", "gather"]
    assert names(log)[-3:] == ["pay", "refund", "exception"]
    event = log.one("table", "log").all("tr")[-1]
    assert event.one("td", "when").text == "4.50 s"
    assert event.one("td", "say").text == "payTimeout: no answer"
    assert event.one("td", "st").one("title").text == "Error"
    assert "8 entries" in log.one("form", "strip").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=tool", ["lookup", "pay", "refund"]),
        ("level=error", ["refund", "exception"]),
        ("q=timeout", ["pay", "refund"]),
        ("q=timeout&level=error", ["refund"]),
        ("q=fixed", ["resolve_ticket"]),
        ("q=refund", ["refund"]),
        ("kind=event", ["exception"]),
    ],
)
def test_filters_and_words_narrow_the_log(
    store_traces: StoreTraces, get_page: GetPage, query: str, expected: list[str]
) -> None:
    store_traces(logged_trace())
    log = get_page(f"{LOG}?{query}")
    assert sorted(names(log)) == sorted(expected)
    chosen = [o["value"] for o in log.all("option") if "selected" in o.attributes]
    assert chosen == [part.partition("=")[2] for part in query.split("&") if part[0] != "q"]


def test_an_empty_result_is_explained(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(logged_trace())
    assert "No span contains all of these words" in get_page(f"{LOG}?q=zzz").one(css="none").text
    assert "No entry has this kind" in get_page(f"{LOG}?kind=http").one(css="none").text


def test_pages_of_the_log_lead_to_each_other(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(wide_trace())
    first = get_page(f"/traces/{'b' * 32}/log?kind=tool")
    assert len(names(first)) == 100
    second = parse(client.get(first.one("a", rel="next")["href"]).text)
    assert names(second)[0] == "child-0100"
    back = parse(client.get(second.one("a", rel="prev")["href"]).text)
    assert names(back) == names(first)
    get_page(f"/traces/{'b' * 32}/log?cursor=nonsense", 400)


def test_an_entry_opens_its_span_beside_the_log(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(logged_trace())
    link = get_page(f"{LOG}?q=pay").one("table", "log").all("a", "open")[0]
    shown = parse(client.get(link["href"]).text)
    assert shown.one("aside").one("h2", "cut").text == "pay"
    assert names(shown) == ["pay"]


def test_a_large_trace_is_labelled_until_its_log_is_built(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient, monkeypatch: Any
) -> None:
    monkeypatch.setattr(thresholds, "MAX_SPANS_IN_MEMORY", 3)
    store_traces(logged_trace())
    assert "Building the timeline…" in get_page(LOG).one(css="none").text
    assert client.get(f"/project/default{LOG}.json").get_json()["data"] is None


@pytest.mark.usefixtures("get_page")
def test_the_json_representation_has_the_same_content(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(logged_trace())
    document = client.get(f"/project/default{LOG}.json?level=error").get_json()
    assert [entry["span"]["name"] for entry in document["data"]] == ["refund", "pay"]
    assert document["data"][1]["event"]["name"] == "exception"
    assert (document["count"], document["more"], document["unsearched"]) == (2, False, 0)
