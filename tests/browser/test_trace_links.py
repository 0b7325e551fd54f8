"""Links of a trace page: new tabs, the address of each view, loading, failures, the selection."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import agent_trace, chat_message

TRACE = f"/project/default/traces/{'a' * 32}"
HTMX_LINKS = (
    ("", "#s-plan .name > a"),
    ("?span=plan", "#panel .tabs a[href*='tab=metadata']"),
    ("?span=plan", "#panel a[data-key='r']"),
    ("?span=plan", "#panel a[data-key='z']"),
    ("?span=plan", "#panel [data-close]"),
    ("", ".map a:nth-of-type(4)"),
    ("/log", ".list a.open"),
    ("/transcript", ".transcript a[hx-get]"),
)


@pytest.mark.parametrize("modifier", ["Control", "Shift"])
def test_a_modified_click_opens_a_new_tab_and_leaves_the_page_alone(
    store_traces: StoreTraces,
    open_page: OpenPage,
    modifier: Literal["Control", "Shift"],
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    for path, selector in HTMX_LINKS:
        page.goto(urljoin(page.url, TRACE + path))
        before, selected = page.url, selection_of(page)
        href = page.locator(selector).first.evaluate("link => link.href")
        with page.context.expect_page() as opened:
            page.locator(selector).first.click(modifiers=[modifier])
        opened.value.wait_for_url(href, wait_until="commit")
        assert (page.url, selection_of(page)) == (before, selected), selector
        opened.value.close()


def test_a_middle_click_opens_a_new_tab(store_traces: StoreTraces, open_page: OpenPage) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    for path, selector in HTMX_LINKS:
        page.goto(urljoin(page.url, TRACE + path))
        link = page.locator(selector).first
        href = link.evaluate("link => link.href")
        with page.context.expect_page() as opened:
            link.click(button="middle")
        opened.value.wait_for_url(href, wait_until="commit")
        opened.value.close()


@pytest.mark.parametrize("view", ["", "/transcript", "/log?q=plan", "/log", "/statistics"])
def test_a_click_keeps_the_view_and_its_state(
    store_traces: StoreTraces, open_page: OpenPage, view: str
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE + view + ("&" if "?" in view else "?") + "span=plan")
    page.locator("#panel .tabs a[href*='tab=metadata']").click()
    expect(page.locator("#panel dl.facts")).to_contain_text("plan")
    shown = urlsplit(page.url)
    assert shown.path == TRACE + view.partition("?")[0]
    query = parse_qs(shown.query)
    assert (query["span"], query["tab"]) == (["plan"], ["metadata"])
    assert query.get("q") == (["plan"] if "q=" in view else None)
    # What was shared is what opens.
    page.reload()
    expect(page.locator("#panel dl.facts")).to_contain_text("plan")


def test_a_span_that_is_selected_in_one_view_is_selected_in_the_others(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    story = agent_trace()
    call = {"input": [chat_message("user", "Why?")], "output": "Because."}
    story.generation("reply", "root", 6, 8, **call)
    store_traces(story)
    page = open_page(f"{TRACE}?span=plan")
    page.locator("#s-reply .name > a").click()
    expect(page.locator("#panel h2").first).to_have_text("reply")
    for label, row in (
        ("Transcript", "li[aria-current]"),
        ("Log", "tr[aria-current]"),
        ("Tree", ".row[aria-current]"),
    ):
        page.get_by_role("navigation", name="Ways to look").get_by_role("link", name=label).click()
        expect(page.locator("#panel h2").first).to_have_text("reply")
        expect(page.locator(row)).to_contain_text("reply")


def test_the_selected_row_of_a_view_follows_the_click(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}/log?span=plan")
    page.get_by_role("link", name="refund").first.click()
    expect(page.locator("tr[aria-current]")).to_have_count(1)
    expect(page.locator("tr[aria-current]")).to_contain_text("refund")


def test_the_panel_shows_that_it_loads_before_it_has_loaded(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}?span=plan")
    routes: list[Route] = []
    page.route("**/span?id=refund*", lambda route: routes.append(route))
    page.locator("#s-refund .name > a").click()
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    faded = page.locator("#panel > header").evaluate("header => getComputedStyle(header).opacity")
    assert float(faded) < 0.5
    routes[0].continue_()
    expect(page.locator("#panel h2").first).to_have_text("refund")
    expect(page.locator("#panel")).not_to_have_attribute("aria-busy", "true")


def test_a_slow_answer_never_replaces_a_later_selection(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(agent_trace())
    page = open_page(TRACE)
    routes: list[Route] = []
    page.route("**/span?id=refund*", lambda route: routes.append(route))
    page.locator("#s-refund .name > a").click()
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    page.locator("#s-plan .name > a").click()
    expect(page.locator("#panel h2").first).to_have_text("plan")
    assert len(routes) == 1
    routes[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#panel h2").first).to_have_text("plan")
    expect(page.locator(".row[aria-current]")).to_have_attribute("id", "s-plan")


def test_a_failed_load_is_shown_in_the_panel_and_can_be_tried_again(
    store_traces: StoreTraces, open_page: OpenPage, faults: list[str]
) -> None:
    store_traces(agent_trace())
    page = open_page(f"{TRACE}?span=plan")
    answers = [
        lambda route: route.fulfill(status=503, body="busy"),
        lambda route: route.abort(),
    ]
    for answer, reason in zip(answers, ("answered 503", "can't be reached"), strict=True):
        page.route("**/span?id=refund*", answer)
        page.locator("#s-refund .name > a").click()
        expect(page.locator("#panel [role=alert]")).to_contain_text(reason)
        expect(page.locator("#panel")).not_to_contain_text("plan")
        assert parse_qs(urlsplit(page.url).query)["span"] == ["refund"]
        page.unroute("**/span?id=refund*")
        page.get_by_role("link", name="Try again").click()
        expect(page.locator("#panel h2").first).to_have_text("refund")
        page.locator("#s-plan .name > a").click()
        expect(page.locator("#panel h2").first).to_have_text("plan")
    assert [fault for fault in faults if not re.search("503|Failed to load|fetch", fault)] == []
    faults.clear()


def selection_of(page: Page) -> str:
    rows = page.locator(":is(.tree, .view) [aria-current=true]")
    return ", ".join(rows.all_inner_texts())
