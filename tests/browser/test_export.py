"""The exported page, opened from disk with the network off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.hostile import ID, hostile
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace

AGENT = "a" * 32
OpenFile = Callable[..., Page]


@pytest.fixture
def open_file(app: Flask, chromium: Browser, tmp_path: Path) -> Iterator[OpenFile]:
    """Export a trace and open the file, in a window that reaches nothing."""
    urls: list[str] = []
    contexts = []

    def open_it(trace_id: str, width: int = 1400, theme: str = "light") -> Page:
        path = tmp_path / "trace.html"
        answer = app.test_client().get(f"/api/v1/traces/{trace_id}/export?format=html")
        assert answer.status_code == 200
        path.write_bytes(answer.data)
        context = chromium.new_context(
            offline=True, viewport={"width": width, "height": 800}, color_scheme=theme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: urls.append(request.url))
        page.on("console", lambda message: urls.append(message.text))
        page.on("dialog", lambda dialog: urls.append(dialog.message))
        page.goto(path.as_uri())
        urls.remove(path.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    # Pictures in messages are data of the page itself.
    assert [url for url in urls if not url.startswith("data:image/")] == []


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_file_shows_tree_bars_and_payloads_offline(
    store_traces: StoreTraces, open_file: OpenFile, width: int, theme: str
) -> None:
    store_traces(
        agent_trace().generation("answer", "root", 6, 8, input="What <b>now</b>?", output="Wait.")
    )
    page = open_file(AGENT, width, theme)
    rows = page.locator(".row")
    count = rows.count()
    assert count >= 5
    expect(page.locator("h1")).to_have_text("resolve_ticket")
    bar = page.locator(".row", has_text="answer").locator(".bar").bounding_box()
    whole = rows.first.locator(".bar").bounding_box()
    assert bar
    assert whole
    assert whole["x"] < bar["x"]
    assert bar["width"] < whole["width"]
    about = page.locator(".about")
    expect(about.locator("h2")).to_have_text("Trace")
    page.locator(".row a", has_text="answer").click()
    selected = page.locator(".span:target")
    expect(selected).to_be_visible()
    expect(selected).to_contain_text("What <b>now</b>?")
    expect(selected).to_contain_text("Wait.")
    expect(about).not_to_be_visible()
    selected.get_by_text("close").click()
    expect(about).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nodes_close_and_open(store_traces: StoreTraces, open_file: OpenFile) -> None:
    store_traces(TraceBuilder("t").span("root").span("inner", "root"))
    page = open_file("t")
    inner = page.locator(".row", has_text="inner")
    expect(inner).to_be_visible()
    page.locator("summary").first.locator(".turn").click()
    expect(inner).not_to_be_visible()


EVIL = """</title></style><style>*{display:none!important}</style></script><script>hacked=1</script>
<a href="javascript:hacked=1">x</a><body onload=hacked=1>"""


@pytest.mark.parametrize("trace_id", [ID, "evil"])
def test_hostile_text_runs_nothing_and_loads_nothing(
    store_traces: StoreTraces, open_file: OpenFile, trace_id: str
) -> None:
    messages = [{"role": "user", "content": EVIL}]
    evil = TraceBuilder("evil", name=EVIL, tags=[EVIL])
    store_traces(hostile(), evil.span(EVIL, name=EVIL, input=messages, output=EVIL, model=EVIL))
    page = open_file(trace_id)
    links = page.locator(".row a").all()
    assert links
    for link in links:
        link.click()
        expect(page.locator(".span:target h2")).to_be_visible()
        for fold in page.locator(".span:target summary").all():
            fold.click()
    assert page.locator("script, iframe, form, [onclick], [onerror]").count() == 0
    assert page.evaluate("window.hacked") is None
    hrefs = page.evaluate(
        "[...document.querySelectorAll('[href]')].map(a => a.getAttribute('href'))"
    )
    assert len(hrefs) >= len(links)
    assert [href for href in hrefs if not href.startswith("#")] == []


def test_a_script_in_the_file_would_not_run(
    store_traces: StoreTraces, open_file: OpenFile, tmp_path: Path
) -> None:
    store_traces(TraceBuilder("t").span("root"))
    page = open_file("t")
    path = tmp_path / "trace.html"
    # Somebody has put one there: the page's policy is what stops it.
    bad = (
        "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title='hacked'\">"
    )
    path.write_text(path.read_text().replace("</main>", f"{bad}</main>"))
    other = page.context.browser
    assert other is not None
    alone = other.new_context(offline=True)
    second = alone.new_page()
    second.goto(path.as_uri())
    assert second.title() != "hacked"
    alone.close()


def test_a_large_trace_is_labelled_as_incomplete(
    store_traces: StoreTraces, open_file: OpenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.export.html.MAX_SPANS", 50)
    story = TraceBuilder("t").span("root")
    for number in range(80):
        story.span(f"s{number:02}", "root").span(f"below-{number:02}", f"s{number:02}")
    store_traces(story)
    page = open_file("t")
    expect(page.locator(".note")).to_contain_text("upper 50 spans")
    expect(page.locator(".note")).to_contain_text("leaves out 111")
    assert page.locator(".row").count() == 50
    expect(page.locator(".tree")).to_contain_text("31 spans below, not in this file")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_menu_offers_every_format(
    store_traces: StoreTraces, open_page: OpenPage, scripts: bool
) -> None:
    store_traces(agent_trace())
    page = open_page(f"/project/default/traces/{AGENT}", scripts=scripts)
    menu = page.locator("#export")
    expect(menu).not_to_be_visible()
    page.get_by_role("button", name="Export").click()
    expect(menu).to_be_visible()
    with page.expect_download() as download:
        menu.get_by_role("link", name="HTML").click()
    assert download.value.suggested_filename == f"resolve_ticket-{AGENT}.html"
    assert menu.get_by_role("link").count() == 6
