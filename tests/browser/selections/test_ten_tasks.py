"""Ten questions about many traces, each answered in at most three clicks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now

pytestmark = pytest.mark.slow
LIST = "/project/default/traces"
DAY = 86_400 * SECOND
GOOD, FAILED, OTHER = (letter * 32 for letter in "abc")


@pytest.fixture(autouse=True)
def runs(store_traces: StoreTraces) -> None:
    """A run of yesterday that failed after a good one, and a dearer run of another user."""
    own = {"name": "refund", "user_id": "ada-1", "session_id": "talk-1"}
    yesterday = now() - DAY
    good = TraceBuilder(GOOD, yesterday - 60 * SECOND, **own)
    good.generation("answer", None, 0, 2)
    failed = TraceBuilder(
        FAILED, yesterday, environment="production", input="Refund ORD-4711", **own
    )
    failed.span("root", None, 0, 12, kind="agent", level="error", status_message="Timeout: bank")
    failed.span("pay_back", "root", 1, 11, kind="tool", level="error").score("thumbs", 0)
    other = TraceBuilder(OTHER, name="report", user_id="bob-2", environment="production")
    other.generation("first", None, 0, 1).generation("second", None, 1, 2)
    store_traces(good, failed, other)


class Reader:
    """Counts the clicks of a reader of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, *targets: Locator) -> None:
        for target in targets:
            target.first.click()
            self.clicks += 1

    def ask(self, query: str) -> None:
        """Type a query, which takes no click."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(query)
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Enter")

    def facet(self, text: str) -> Locator:
        return self.page.locator(".facet").get_by_role("link", name=text, exact=False)

    def link(self, text: str) -> Locator:
        return self.page.get_by_role("link", name=text, exact=True)

    def shows(self, *trace_ids: str) -> None:
        """Expect these rows in this order, after at most three clicks."""
        rows = self.page.locator(".list tbody input[name=trace]")
        expect(rows).to_have_count(len(trace_ids))
        assert [row.get_attribute("value") for row in rows.all()] == list(trace_ids)
        assert self.clicks <= 3


@pytest.fixture
def reader(open_page: OpenPage) -> Reader:
    """Someone who has opened the list of traces."""
    return Reader(open_page(LIST))


def test_failed_traces_of_a_user_of_yesterday(reader: Reader) -> None:
    reader.ask("user:ada-1 status:error start:yesterday")
    reader.shows(FAILED)


def test_the_dearest_trace_of_the_week(reader: Reader) -> None:
    page = reader.page
    reader.click(page.locator("th a", has_text="Cost"), page.get_by_role("button", name="Time"))
    reader.click(reader.link("Last 7 days"))
    expect(page).to_have_url(re.compile("start"))
    reader.shows(OTHER, GOOD, FAILED)


def test_traces_where_a_tool_failed(reader: Reader) -> None:
    reader.ask("any(kind:tool name:pay_back status:error)")
    reader.shows(FAILED)


def test_traces_that_mention_an_order_number(reader: Reader) -> None:
    reader.ask("ORD-4711")
    reader.shows(FAILED)


def test_thumbs_down_and_slow(reader: Reader) -> None:
    reader.click(reader.facet("thumbs:0"))
    ranges = reader.page.locator(".facet", has_text="10s..30s")
    ranges.hover()
    reader.click(ranges.get_by_text("≥"))
    expect(reader.page.get_by_label("Query")).to_have_value("score.thumbs:0 latency:>=10s")
    reader.shows(FAILED)


def test_what_the_failing_ones_have_in_common(reader: Reader) -> None:
    reader.click(reader.facet("error"))
    reader.shows(FAILED)
    reader.click(reader.link("What differs"))
    expect(reader.page.locator("main")).to_contain_text("1 selected against 2")
    assert reader.clicks <= 3


def test_comparing_a_run_with_the_last_good_one(reader: Reader) -> None:
    reader.click(reader.facet("error"))
    reader.shows(FAILED)
    reader.click(reader.page.locator(".list a.open"), reader.link("Compare"))
    chosen = reader.page.get_by_role("link", name="Last good run")
    expect(chosen).to_have_attribute("aria-current", "page")
    assert reader.clicks <= 3


def test_exporting_the_failed_ones_as_csv(reader: Reader) -> None:
    reader.click(reader.facet("error"))
    reader.shows(FAILED)
    reader.click(reader.page.get_by_role("link", name="Export"))
    with reader.page.expect_download() as download:
        reader.click(reader.page.get_by_role("button", name="CSV"))
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 2
    assert FAILED in lines[1]
    assert reader.clicks <= 3


def test_watching_production_live(reader: Reader, store_traces: StoreTraces) -> None:
    reader.click(reader.facet("production"))
    reader.shows(OTHER, FAILED)
    reader.click(reader.link("Live"))
    expect(reader.link("Stop")).to_be_visible()
    new = "d" * 32
    store_traces(TraceBuilder(new, now(), environment="production").span("r"))
    reader.shows(new, OTHER, FAILED)


def test_the_failing_turn_of_a_session(reader: Reader) -> None:
    page = reader.page
    reader.click(reader.link("Sessions"), page.locator(".list a.open", has_text="talk-1"))
    reader.click(page.get_by_role("link", name="1 failed"))
    expect(page).to_have_url(re.compile("#"))
    assert reader.clicks <= 3
