"""Selections of traces in the browser: peek, delete with undo, compare, what differs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage, accessibility_faults
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.store.jobs import run
from tracer.ui.actions import bulk

LIST = "/project/default/traces"
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
PAID, REFUSED = (letter * 32 for letter in "ab")


@pytest.fixture(autouse=True)
def runs(store_traces: StoreTraces) -> None:
    """Two runs of one application with different outputs, and twenty of another."""
    stories = [
        TraceBuilder(f"{number:032}", now() - (90 + number) * SECOND, name="chat", release="v1")
        for number in range(20)
    ]
    for story in stories:
        story.span("r", output="Hello.")
    for age, trace_id, release, output in (
        (80, PAID, "v1", "The refund was sent to your card."),
        (70, REFUSED, "v2", "The refund was refused by your bank."),
    ):
        story = TraceBuilder(
            trace_id, now() - age * SECOND, name="refund", release=release, output=output
        )
        story.span("root", kind="agent").generation("answer", "root", 0, 1, output=output)
        stories.append(story)
    store_traces(*stories)


def tick(page: Page, *trace_ids: str) -> None:
    for trace_id in trace_ids:
        page.locator(f".list input[value='{trace_id}']").check()


def check_looks(page: Page) -> None:
    """Check a page in both themes, and that it fits the window of a phone."""
    assert accessibility_faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert accessibility_faults(page, CONTRAST) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_peek_is_opened_and_closed_by_click_and_key_and_keeps_the_ticks(
    open_page: OpenPage,
) -> None:
    page = open_page(f"{LIST}?q=name:refund")
    peek = page.locator("#peek")
    tick(page, PAID)
    row = page.locator(".list tr", has=page.locator(f"[value='{PAID}']"))
    row.hover()
    row.get_by_title("Peek (v)").click()
    expect(peek).to_contain_text("sent to your card")
    expect(page).to_have_url(re.compile(f"q=name%3Arefund&peek={PAID}$"))
    check_looks(page)
    peek.get_by_title("Close").click()
    expect(peek).to_be_hidden()
    expect(page).to_have_url(re.compile(r"q=name%3Arefund$"))
    expect(page.locator(".list tbody :checked")).to_have_count(1)
    page.locator(".list .open").first.focus()
    page.keyboard.press("v")
    expect(peek).to_contain_text("refused by your bank")
    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(peek).to_contain_text("sent to your card")
    page.keyboard.press("v")
    expect(peek).to_be_hidden()
    page.keyboard.press("v")
    expect(peek).to_be_visible()
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    expect(page).to_have_url(re.compile(r"q=name%3Arefund$"))
    page.go_back()
    expect(peek).to_contain_text("sent to your card")
    page.reload()
    expect(peek).to_contain_text("sent to your card")
    peek.get_by_role("link", name="Open").click()
    expect(page).to_have_url(re.compile(f"/traces/{PAID}"))


def test_ticked_traces_are_deleted_unless_the_delete_is_undone(
    open_page: OpenPage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(LIST)
    expect(page.locator("#bulk")).to_be_hidden()
    tick(page, PAID, REFUSED)
    page.locator("#bulk").get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 2 traces")
    check_looks(page)
    page.get_by_role("button", name="Delete 2 traces").click()
    job = page.locator("#job")
    expect(job).to_contain_text(re.compile(r"Starts in \d+ s"))
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    # The page counts down; the keyboard stays where it was.
    before = job.inner_text()
    expect(job).not_to_have_text(before, use_inner_text=True)
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(job).to_contain_text("Undone before it started")
    assert run.run_due(database_url) == 0
    monkeypatch.setattr(bulk, "UNDO_SECONDS", 0)
    page.goto(f"{page.url.partition('/project')[0]}{LIST}?q=name:refund")
    expect(page.locator(".list .open")).to_have_count(2)
    page.get_by_role("link", name="All that match…").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete 2 traces").click()
    expect(job).to_contain_text("Starts now")
    assert run.run_due(database_url) == 1
    expect(job).to_contain_text("2 of 2 traces changed")
    page.get_by_role("link", name="To the list").click()
    expect(page.get_by_role("heading", name="No trace matches")).to_be_visible()


def test_ticked_traces_are_compared_by_words(open_page: OpenPage) -> None:
    page = open_page(LIST)
    tick(page, REFUSED, PAID)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".facts ins")).to_have_text("v2")
    page.locator(".diff .row a", has_text="answer").click()
    panel = page.locator(".panel")
    expect(panel.locator("pre")).to_contain_text("The refund was")
    expect(panel.locator("pre del").first).to_contain_text("sent")
    expect(panel.locator("pre ins").first).to_contain_text("refused")
    check_looks(page)
    page.go_back()
    page.go_back()
    # One alone is compared with an earlier run of the same name.
    page.reload()
    tick(page, REFUSED)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("[aria-label='Compare with'] [aria-current]")).to_contain_text("good run")
    expect(page.locator(".facts ins")).to_have_text("v2")


@pytest.mark.parametrize("scripts", [True, False])
def test_what_differs_leads_to_the_narrower_list(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(f"{LIST}?q=name:chat", scripts=scripts)
    page.get_by_role("link", name="What differs").click()
    term = page.locator(".ranks .val > a").first
    title = (term.get_attribute("title") or "").removeprefix("Show these traces: ")
    if scripts:
        check_looks(page)
    term.click()
    assert urlsplit(page.url).path == LIST
    expect(page.locator(".query input").first).to_have_value(f"name:chat {title}")
    expect(page.locator(".list .open").first).to_have_text("chat")


def test_peek_bulk_and_comparison_need_no_script(open_page: OpenPage, database_url: str) -> None:
    page = open_page(f"{LIST}?q=name:refund", scripts=False)
    row = page.locator(".list tr", has=page.locator(f"[value='{PAID}']"))
    row.hover()
    row.get_by_title("Peek (v)").click()
    expect(page.locator("#peek")).to_contain_text("sent to your card")
    page.get_by_title("Close").click()
    expect(page.locator("#peek")).to_be_hidden()
    tick(page, PAID, REFUSED)
    page.get_by_role("button", name="Compare").click()
    page.locator(".diff .row a", has_text="answer").click()
    expect(page.locator(".panel pre ins").first).to_contain_text("refused")
    page.goto(f"{page.url.partition('/project')[0]}{LIST}?q=name:refund")
    tick(page, PAID)
    page.get_by_role("button", name="Tag…").click()
    page.get_by_label("Add").fill("checked")
    page.get_by_role("button", name="Tag 1 trace").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#job")).to_contain_text("nothing was changed")
    assert run.run_due(database_url) == 0
