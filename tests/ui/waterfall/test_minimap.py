"""The strip of the whole trace above its waterfall, and idle time drawn short."""

from __future__ import annotations

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace
from tracer.store import thresholds
from tracer.store.analyses import compute

TRACE = "a" * 32
BASE = f"/traces/{TRACE}"


def sparse() -> TraceBuilder:
    """Return an hour with six seconds of work at each end."""
    story = TraceBuilder(TRACE, name="sparse").span("root", None, 0, 3600, kind="agent")
    for n in range(6):
        story.generation(f"g{n}", "root", n, n + 1)
        story.span(f"t{n}", "root", 3594 + n, 3595 + n, kind="tool")
    return story


def blocks(page: Element, css: str) -> list[tuple[float, float]]:
    rectangles = page.one("div", "map").all("rect", css)
    return [(float(block["x"]), float(block["width"])) for block in rectangles]


def test_activity_is_drawn_in_the_colour_of_its_kind(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    shown = get_page(BASE)
    # plan is the only generation: 0.5 to 2 s of 9 s, in 200 buckets; the last holds search as well.
    assert blocks(shown, "k-generation") == [(11, 33), (44, 1)]
    assert blocks(shown, "err") == [(88, 46)]
    assert blocks(shown, "k-agent") == []
    assert blocks(shown, "off") == []


def test_a_zoom_dims_what_is_not_in_view(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(agent_trace())
    part = get_page(BASE).one("div", "map").all("a")[5]
    shown = get_page(f"{BASE}{part['href']}")
    assert blocks(shown, "off") == [(0, 100), (120, 80)]
    assert part["title"] == "Zoom to 4.50 s – 5.40 s"


def test_a_zoom_keeps_what_is_open_and_selected(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    part = get_page(f"{BASE}?open=gather&span=lookup&idle=short").one("div", "map").all("a")[0]
    assert part["href"].startswith("?open=gather&idle=short&zoom=")
    assert part["href"].endswith("&span=lookup")


def test_a_mostly_idle_trace_offers_to_cut_idle_time(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(sparse())
    chip = get_page(BASE).one("div", "axis").one("a", "chip")
    assert chip.text == "99.6 % idle · compress?"
    shown = get_page(f"{BASE}{chip['href']}")
    assert shown.one("div", "axis").one("a", "chip").text == "idle time compressed"
    first = shown.one(id="s-g1").one("i", "bar")["style"]
    assert float(first.partition("--w:")[2].partition(";")[0]) > 8
    assert shown.one("i", "idle")["title"] == "60 min idle, compressed"
    back = shown.one("div", "axis").one("a", "chip")["href"]
    assert not get_page(f"{BASE}{back}").all("i", "idle")


def test_a_busy_trace_offers_no_cut(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(agent_trace())
    assert not get_page(BASE).one("div", "axis").all("a", "chip")


def test_the_strip_of_a_large_trace_is_computed_in_the_background(
    store_traces: StoreTraces, get_page: GetPage, database_url: str
) -> None:
    story = TraceBuilder(TRACE, name="large").span("root", None, 0, 10)
    for n in range(thresholds.MAX_SPANS_ANALYSED + 1):
        story.span(f"c{n}", "root", n * 0.001, n * 0.001 + 0.01, kind="tool")
    store_traces(story)
    shown = get_page(BASE)
    assert blocks(shown, "k-tool") == []
    assert shown.one("div", "map").one("small").text == "computing…"
    assert len(shown.one("div", "map").all("a")) == 10
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert compute.analyse(connection, "default", TRACE)
    shown = get_page(BASE)
    [*_, last] = blocks(shown, "k-tool")
    assert last[0] + last[1] == pytest.approx(2_010 / 10_000 * 200, abs=1)
    assert not shown.one("div", "map").all("small")


@pytest.mark.usefixtures("client")
def test_an_invalid_zoom_shows_the_whole_trace(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    for zoom in ("x", "1-2", "9-1", ""):
        assert blocks(get_page(f"{BASE}?zoom={zoom}"), "off") == []


def test_a_zoom_in_place_loads_the_axis_alone_and_sets_the_url(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(agent_trace())
    part = get_page(f"{BASE}?span=plan").one("div", "map").all("a")[5]
    axis = get_page(BASE).one("input", id="base")["value"]
    headers = {
        "HX-Request-Type": "partial",
        "HX-Current-URL": f"http://localhost/project/default{BASE}?span=plan",
    }
    answer = client.get(f"{part['hx-get']}&t={axis}", headers=headers)
    assert answer.headers["HX-Push-Url"].endswith(part["href"].partition("?")[2])
    assert not parse(answer.text).all(css="row")
    assert len(parse(answer.text).all("section", "tree")) == 1
    # Beside the log there is no axis: the tree's page has one.
    answer = client.get(part["hx-get"], headers=headers)
    assert "zoom=" in answer.headers["HX-Redirect"]
