"""Long values: shown in part at first, whole on request, laid out in linear time, copied whole."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, chat_message
from tracer.records import Json

SIZE = 100_000
TRACE = "e" * 32
PATH = f"/project/default/traces/{TRACE}?span=s"
NASTY = {
    "no spaces": "A" * SIZE,
    "kerning pairs": "AV" * (SIZE // 2),
    "one line": "word " * (SIZE // 5),
    "emoji": "\N{GRINNING FACE}" * (SIZE // 4),
    "joined emoji": "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{MAN}" * (SIZE // 11),
    "right to left": "\u0645\u0631\u062d\u0628\u0627" * (SIZE // 10),
    "mixed directions": "a\u202eb\u202c" * (SIZE // 8),
    "combining marks": "e" + "\u0301" * (SIZE // 2),
    "line breaks": "\n" * SIZE,
    "without breaks": "a\u00a0" * (SIZE // 3),
}
SECONDS = 20
"""For a busy machine; the quadratic layout of one of these texts takes over a minute."""
CLIPBOARD = "navigator.clipboard.readText()"


@pytest.mark.parametrize("name", NASTY)
def test_a_long_text_opens_whole_in_linear_time(
    store_traces: StoreTraces, open_page: OpenPage, name: str
) -> None:
    text = NASTY[name]
    store_traces(TraceBuilder(TRACE).span("s", input=text, output={"within": text}))
    page = open_page("/project/default/traces")
    started = time.monotonic()
    page.goto(page.url.partition("/project/")[0] + PATH)
    page.evaluate("document.body.offsetHeight")
    shown = page.locator("#input pre")
    assert 5_000 <= len(str(shown.evaluate("pre => pre.textContent"))) <= 20_000
    for part in ("#input", "#output"):
        page.locator(f"{part} .link", has_text="show all (").click()
        whole = page.locator(f"{part} :is(pre, .s2)")
        expect(page.locator(f"{part} .link", has_text="show all (")).to_have_count(0)
        length = whole.evaluate("shown => { shown.offsetHeight; return shown.textContent.length; }")
        assert length >= len(text)
        # A browser that decides on the direction of every line takes quadratic time for a long one.
        bidi, direction = whole.evaluate(
            "e => [getComputedStyle(e).unicodeBidi, getComputedStyle(e).direction]"
        )
        assert "\n" in text or bidi != "plaintext"
        assert part == "#output" or direction == ("rtl" if name == "right to left" else "ltr")
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize(
    "value",
    [
        "# Title\n\n* a *b*\n\n`c`  ",
        {"a": 1, "nested": [{"b": [None, True, "x"]}]},
        [{"n": n} for n in range(150)],
        [chat_message("user", "**bold**"), chat_message("assistant", "y" * 50_000)],
        "v" * 40_000,
        '{"text": "that is JSON"}',
    ],
    ids=["markdown", "JSON", "150 items", "messages", "long text", "JSON text"],
)
def test_copy_gives_the_stored_value(
    store_traces: StoreTraces, open_page: OpenPage, value: Json
) -> None:
    store_traces(TraceBuilder(TRACE).span("s", input=value, metadata={"k": {"deep": [1, 2]}}))
    page = open_page(PATH)
    copied = copy_from(page, "Input")
    assert (copied if isinstance(value, str) else json.loads(copied)) == value


def test_copy_gives_metadata_and_the_whole_record(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    story = TraceBuilder(TRACE)
    store_traces(story.span("s", input="w" * 500_000, metadata={"k": {"deep": [1, 2]}}))
    page = open_page(f"{PATH}&tab=metadata")
    assert json.loads(copy_from(page, "Metadata")) == {"k": {"deep": [1, 2]}}
    page.goto(page.url.replace("metadata", "raw"))
    assert json.loads(copy_from(page, "Stored record"))["input"] == "w" * 500_000
    page.locator("#panel .title [data-copy]").click()
    expect(page.locator("#status")).to_contain_text("copied")
    assert page.evaluate(CLIPBOARD) == "s"


def test_copy_works_where_the_browser_offers_no_clipboard(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(TraceBuilder(TRACE).span("s", input="*kept*"))
    page = open_page(PATH)
    page.evaluate(
        "window.read = () => Navigator.prototype.__lookupGetter__('clipboard')"
        ".call(navigator).readText();"
        "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
    )
    page.locator(".sect", has_text="Input").locator("[data-copy]").click()
    expect(page.locator("#status")).to_contain_text("copied")
    assert page.evaluate("read()") == "*kept*"


def test_a_value_that_cannot_be_loaded_is_not_reported_as_copied(
    store_traces: StoreTraces, open_page: OpenPage, faults: list[str]
) -> None:
    store_traces(TraceBuilder(TRACE).span("s", input="text"))
    page = open_page(PATH)
    page.route(re.compile("/value[?]"), lambda route: route.fulfill(status=503))
    page.locator(".sect", has_text="Input").locator("[data-copy]").click()
    expect(page.locator("#status")).to_contain_text("answered 503")
    assert len(faults) == 1
    faults.clear()


def copy_from(page: Page, title: str) -> str:
    """Copy the value of a section of the panel, and return the clipboard."""
    heading = page.get_by_role("heading", name=title, exact=True)
    page.locator(".sect", has=heading).locator("[data-copy]").click()
    expect(page.locator("#status")).to_contain_text("copied")
    return str(page.evaluate(CLIPBOARD))
