"""Names and bars share one grid and one axis, at every depth and width, zoomed or not."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder

TRACE = "7" * 32
PATH = f"/project/default/traces/{TRACE}"
DEPTH = 12


def nested() -> TraceBuilder:
    """Return a trace of ten minutes with a chain of spans, and spans of 1 ms at its ends."""
    story = TraceBuilder(TRACE, name="nested").span("n00", None, 0, 600, kind="agent")
    for n in range(1, DEPTH):
        story.span(f"n{n:02}", f"n{n - 1:02}", n * 20, 600 - n * 20, kind="chain")
    story.generation("talk", "n00", 300, 400, first_token=325)
    story.span("first", "n00", 0, 0.001).span("last", "n00", 600, 600)
    story.span("ahead", "n05", 40, 140)
    return story


def boxes(page: Page) -> dict[str, dict[str, float]]:
    """Return of each row its edges, those of its bar's cell and of its bar, in pixels."""
    rows: dict[str, dict[str, float]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".tree .row[id]")].map((row) => {
            row.style.contentVisibility = "visible";
            const box = (e) => e.getBoundingClientRect();
            const [r, c, b] = [row, row.querySelector(".wf"), row.querySelector(".bar")].map(box);
            const name = box(row.querySelector(".name"));
            return [row.id.slice(2), {top: r.top, bottom: r.bottom, left: c.left, right: c.right,
                cell_top: c.top, cell_bottom: c.bottom, name_right: name.right,
                bar: b.left, stop: b.right, width: b.width}];
        }))"""
    )
    return rows


@pytest.mark.parametrize("width", [390, 900, 1440])
def test_every_bar_is_in_its_row_on_one_axis(
    store_traces: StoreTraces, open_page: OpenPage, width: int
) -> None:
    store_traces(nested())
    page = open_page(f"{PATH}?span=n{DEPTH - 1}", width=width)
    rows = boxes(page)
    assert len(rows) == DEPTH + 4
    ticks = page.locator(".axis .ticks").bounding_box()
    assert ticks is not None
    for span_id, row in rows.items():
        assert row["left"] == pytest.approx(ticks["x"], abs=0.5), span_id
        assert row["right"] == pytest.approx(ticks["x"] + ticks["width"], abs=0.5), span_id
        assert row["top"] <= row["cell_top"] <= row["cell_bottom"] <= row["bottom"] + 0.5, span_id
        assert row["width"] >= 2, span_id
        assert row["left"] - 0.5 <= row["bar"], span_id
        assert row["stop"] <= row["right"] + 0.5, span_id
    root = rows["n00"]
    unit = (root["right"] - root["left"] - 2) / 600
    for n in range(DEPTH):
        row = rows[f"n{n:02}"]
        assert row["bar"] == pytest.approx(root["left"] + n * 20 * unit, abs=1)
        assert row["stop"] == pytest.approx(root["left"] + (600 - n * 20) * unit, abs=1.5)
    # Beside the panel the axis is narrowest just above the width at which the panel moves below.
    page.set_viewport_size({"width": 1010 if width > 1000 else width, "height": 900})
    labels: list[list[float]] = page.locator(".axis .ticks span:visible").evaluate_all(
        "(all) => all.map((e) => [e.getBoundingClientRect().left, e.getBoundingClientRect().right])"
    )
    assert len(labels) >= 2
    assert all(before[1] <= after[0] for before, after in pairwise(labels)), labels


def test_a_bar_shows_the_time_of_the_first_token(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(nested())
    bar = open_page(PATH).locator("#s-talk .bar.gen")
    expect(bar).to_have_attribute("style", re.compile("--t:25.0"))
    assert "gradient" in bar.evaluate("e => getComputedStyle(e).backgroundImage")


def test_a_span_that_began_before_its_parent_is_marked(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(nested())
    mark = open_page(PATH).locator("#s-ahead .count.warn")
    expect(mark).to_have_text("clock")
    expect(mark).to_have_attribute("title", re.compile("^Started 60.0 s before its parent"))
    expect(open_page(PATH).locator(".bar.skew")).to_have_count(1)


def zoom_of(page: Page) -> list[str] | None:
    return parse_qs(urlsplit(page.url).query).get("zoom")


def test_a_zoom_to_a_span_and_back_stays_on_the_page(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(nested())
    page = open_page(f"{PATH}?span=talk")
    page.locator("#s-n02").evaluate("e => (e.mark = 'same')")
    page.keyboard.press("z")
    expect(page.locator(".axis .chip.run")).to_contain_text("295 s – 405 s")
    row = boxes(page)["talk"]
    unit = (row["right"] - row["left"]) / 110
    assert row["bar"] == pytest.approx(row["left"] + 5 * unit, abs=2)
    assert row["stop"] == pytest.approx(row["right"] - 5 * unit, abs=2)
    # The rows are the same, and the address shows the same after a reload.
    assert page.locator("#s-n02").evaluate("e => e.mark") == "same"
    assert parse_qs(urlsplit(page.url).query)["span"] == ["talk"]
    assert zoom_of(page)
    page.reload()
    expect(page.locator(".axis .chip.run")).to_contain_text("295 s – 405 s")
    again = boxes(page)["talk"]
    assert (again["bar"], again["stop"]) == (row["bar"], row["stop"])
    page.locator("#s-n03 a").click()
    expect(page.locator("#panel h2").first).to_have_text("n03")
    assert zoom_of(page)
    page.keyboard.press("0")
    expect(page.locator(".axis .chip.run")).to_have_count(0)
    assert zoom_of(page) is None
    page.go_back()
    expect(page.locator(".axis .chip.run")).to_contain_text("295 s – 405 s")


def test_a_zoom_to_a_millisecond_fills_the_window(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(nested())
    page = open_page(f"{PATH}?span=first", scripts=False)
    assert boxes(page)["first"]["width"] == pytest.approx(2, abs=0.1)
    page.get_by_title("Zoom to this span").click()
    page.wait_for_load_state()
    row = boxes(page)["first"]
    assert row["width"] > 0.9 * (row["right"] - row["left"])
    page.get_by_title("Show the whole trace").click()
    page.wait_for_load_state()
    assert boxes(page)["first"]["width"] == pytest.approx(2, abs=0.1)
    expect(page.locator("#panel h2").first).to_have_text("first")
