"""Under the real content security policy, no text of an application runs or loads anything."""

from __future__ import annotations

from flask import Flask
from playwright.sync_api import Locator, Page

from tests.support.pages.browser import OpenPage
from tests.support.pages.hostile import ID, RUN_ID, addresses, hostile, hostile_price, hostile_run
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder

STYLED = "getComputedStyle(document.querySelector('h1, h2, .row, .axis, body')).display"


def test_hostile_text_runs_nothing_and_loads_nothing(
    app: Flask, store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(hostile())
    page = open_page("/project/default/traces")
    site = page.url.partition("/project/")[0]
    urls: list[str] = []
    page.on("request", lambda sent: urls.append(sent.url))
    # A fragment by itself names no icon, so the browser asks for one that is not there.
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    for path in addresses(app, hostile_price(app)):
        # A fragment is looked at as a page of its own: nothing of ours is around it to help.
        page.goto(site + path)
        assert page.url.startswith(f"{site}/project/default/"), path
        assert page.evaluate(STYLED) != "none", path
        assert "7*7" in page.content() or "evil" not in page.content(), path
    quiet(page)
    # What ran, and what was asked of others, is asked by the fixture afterwards.
    assert len(urls) > 40
    assert not [url for url in urls if url.startswith(f"{site}/evil")]


def test_hostile_text_that_is_swapped_in_does_nothing(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(hostile())
    page = open_page(f"/project/default/traces/{ID}")
    urls: list[str] = []
    page.on("request", lambda sent: urls.append(sent.url))
    rows = page.locator(".tree .row:not(.more) .name > a").all()
    assert len(rows) >= 4
    for row in rows:
        swapped_by(page, row)
        for tab in range(page.locator("#panel .tabs a").count()):
            swapped_by(page, page.locator("#panel .tabs a").nth(tab))
    for fold in page.locator("#panel summary").all():
        fold.click()
    # The live trace brings hostile rows as well.
    store_traces(TraceBuilder(ID).span("late <script>alert(7)</script>", "warned", 0.5, 0.6))
    page.get_by_text("late <script>").first.wait_for(state="attached")
    quiet(page)
    assert urls
    assert not [url for url in urls if "/evil" in url]


def test_hostile_text_of_a_folded_group_does_nothing(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(hostile_run())
    page = open_page(f"/project/default/traces/{RUN_ID}")
    urls: list[str] = []
    page.on("request", lambda sent: urls.append(sent.url))
    assert page.locator(".row.many .name > a").inner_text().startswith("150 × ")
    page.locator(".row.many summary").click()
    page.locator(".row.leaf").first.wait_for()
    page.get_by_role("treeitem", name="Next 100").click()
    page.locator(".row.leaf").nth(149).wait_for()
    swapped_by(page, page.locator(".row.leaf .name > a").nth(140))
    quiet(page)
    assert urls
    assert not [url for url in urls if "/evil" in url]


def swapped_by(page: Page, link: Locator) -> None:
    """Follow a link that fills the panel, and return when it has."""
    page.evaluate("document.querySelector('#panel > *').dataset.before = ''")
    link.click()
    page.locator("#panel > [data-before]").wait_for(state="detached")


def quiet(page: Page) -> None:
    """Give scripts and requests that must not run the time to: no condition shows their absence."""
    page.wait_for_timeout(300)
