"""Groups of similar siblings longer than a page: one row, whose spans are loaded page by page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.store import thresholds
from tracer.store.analyses.compute import analyse

ID = "a" * 32
PAGE = f"/traces/{ID}"
Load = Callable[[Element], Element]


def long(count: int, before: int = 5, after: int = 3) -> TraceBuilder:
    """Other spans, then ``count`` like ones, then others, below one root."""
    story = TraceBuilder(ID).span("root", None, 0, 9_000, kind="agent")
    for n in range(before):
        story.span(f"b{n}", "root", n / 10, n / 10 + 0.1)
    story.model_calls("root", count)
    for n in range(after):
        story.span(f"e{n}", "root", 8_000 + n, 8_000.5 + n)
    return story


@pytest.fixture(params=["small", "large"])
def store_all(
    request: pytest.FixtureRequest,
    store_traces: StoreTraces,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> StoreTraces:
    """Store a trace whose runs are found as it is read, or were found by the worker."""
    if request.param == "small":
        return store_traces

    def store(*stories: TraceBuilder) -> None:
        monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 2)
        store_traces(*stories)
        with psycopg.connect(database_url, autocommit=True) as connection:
            assert analyse(connection, "default", ID)

    return store


@pytest.fixture
def follow(get_page: GetPage) -> Load:
    """Load what a row of more rows stands for."""

    def load(link: Element) -> Element:
        return get_page(link["hx-get"].partition("/project/default")[2], fragment=True)

    return load


def leaves(shown: Element) -> list[str]:
    return [row["id"][2:] for row in shown.all("div", css="leaf")]


def more(shown: Element) -> list[Element]:
    return [link for row in shown.all("div", css="more") for link in row.all("a")]


def test_a_group_beyond_the_page_is_shown_whole(
    get_page: GetPage, store_all: StoreTraces, follow: Load
) -> None:
    store_all(long(480))
    shown = get_page(PAGE)
    run = shown.one("div", id="f-s000")
    assert run.all("a")[0].text == "480 × ask"
    assert "p50 500 ms" in run.text
    assert "5 errors" in run.text
    assert run.all("span", css="all")[0].text == "2,400"
    inside, behind = more(shown)
    assert parse_qs(urlsplit(inside["hx-get"]).query).keys() >= {"after", "until"}
    # Page by page its spans come, and nothing that is not of it.
    seen = leaves(run)
    while inside:
        rows = follow(inside)
        assert rows.all("div", css="many") == []
        seen += leaves(rows)
        inside = next(iter(more(rows)), None)
    assert seen == [f"s{n:03}" for n in range(480)]
    # Behind it the level goes on.
    assert leaves(follow(behind)) == ["e0", "e1", "e2"]


def test_no_next_page_is_offered_after_a_group_at_the_end_of_its_level(
    get_page: GetPage, store_all: StoreTraces
) -> None:
    store_all(long(300, after=0))
    shown = get_page(PAGE)
    assert shown.one("div", id="f-s000").all("a")[0].text == "300 × ask"
    assert len(more(shown)) == 1


def test_a_group_that_begins_at_the_end_of_a_page_is_one_row(
    get_page: GetPage, store_all: StoreTraces
) -> None:
    store_all(long(200, before=98))
    run = get_page(PAGE).one("div", id="f-s000")
    assert run.all("a")[0].text == "200 × ask"
    assert leaves(run) == ["s000", "s001"]


def test_a_group_stays_whole_when_the_page_is_loaded_again(
    get_page: GetPage, store_all: StoreTraces
) -> None:
    store_all(long(480))
    shown = get_page(PAGE)
    pages = [fragment["data-page"] for fragment in shown.all("div", css="page")]
    axis = parse_qs(urlsplit(more(shown)[0]["hx-get"]).query)["t"][0]
    again = get_page(f"{PAGE}/live?t={axis}&" + "&".join(f"page={token}" for token in pages))
    assert again.one("div", id="f-s000").all("a")[0].text == "480 × ask"


def test_a_page_within_a_group_ends_with_the_group(
    get_page: GetPage, store_all: StoreTraces, follow: Load
) -> None:
    store_all(long(150))
    inside, behind = more(get_page(PAGE))
    rows = follow(inside)
    axis = parse_qs(urlsplit(behind["hx-get"]).query)["t"][0]
    token = rows.one("div", css="page")["data-page"]
    assert leaves(get_page(f"{PAGE}/live?t={axis}&page={token}"))[-1] == "s149"


def test_a_group_of_a_trace_that_is_not_analysed_is_labelled_as_incomplete(
    get_page: GetPage, store_traces: StoreTraces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thresholds, "MAX_SPANS_ANALYSED", 2)
    store_traces(long(480))
    shown = get_page(PAGE)
    assert shown.one("div", id="f-s000").all("a")[0].text == "95+ × ask"
    assert len(more(shown)) == 1


def test_cursors_of_a_group_are_checked(get_page: GetPage, store_traces: StoreTraces) -> None:
    store_traces(long(30))
    get_page(f"{PAGE}/spans?t=0-1-&parent=root&after=x&until=y", 400)
