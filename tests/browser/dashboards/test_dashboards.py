"""Dashboards in the browser: tiles load, brushing, drill down, building, and no script."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now

HOME = "/project/default?range=-24h"


@pytest.fixture(autouse=True)
def day(store_traces: StoreTraces) -> None:
    """A trace an hour of three names, of two releases."""
    store_traces(
        *(
            TraceBuilder(
                f"{number:032}",
                now() - (number * 3600 + 60) * SECOND,
                name=("chat", "search", "export")[number % 3],
                release="v2" if number < 8 else "v1",
            ).generation("call", None, 0, 1 + number / 10, first_token=0.2)
            for number in range(20)
        )
    )


def figure(page: Page, title: str) -> str:
    """Return the number of a tile, once it is loaded."""
    tile = page.locator("section.tile", has=page.get_by_role("heading", name=title, exact=True))
    expect(tile.locator(".figure a")).not_to_be_empty()
    return tile.locator(".figure a").inner_text()


def test_the_home_is_read_brushed_and_followed_to_lists(open_page: OpenPage) -> None:
    page = open_page(HOME)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert figure(page, "Traces") == "20"
    assert page.evaluate("document.documentElement.scrollHeight") <= 900
    chart = page.locator("#tile-6 .area")
    box = chart.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    expect(page.locator("#tile-6 .tip")).to_contain_text(re.compile(r"\d\d:\d\d: "))
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    expect(page.locator("#tile-6 .brush")).to_be_visible()
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"range=20\d\d-\d\d-\d\dT[\d%A]+Z\.\.20"))
    assert 3 <= int(figure(page, "Traces")) <= 10
    brushed = page.url
    # A bar leads to the traces that it is made of, and back.
    bar = page.locator("#tile-6 .area a:has(rect.rest)").first
    count = (bar.locator("title").text_content() or "").rpartition(" ")[2]
    address = bar.get_attribute("href")
    assert address is not None
    page.goto(page.url.partition("/project/")[0] + address)
    expect(page.locator(".list .open")).to_have_count(int(count))
    page.go_back()
    expect(page).to_have_url(brushed)
    page.locator("#tile-6 h2 a").click()
    expect(page.locator(".rolls table")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    assert len(page.pdf()) > 10_000


def test_a_dashboard_is_built_by_form_and_by_drag(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("/project/default/dashboards")
    page.get_by_role("textbox", name="Name").fill("Exports")
    page.get_by_role("button", name="Make").click()
    page.get_by_label("Name of the variable").last.fill("name")
    page.get_by_label("Field whose values are offered").last.fill("name")
    page.get_by_role("button", name="Save", exact=True).click()
    for title, measure, group in (("By name", "count", "name"), ("By release", "count", "release")):
        page.get_by_role("link", name="Add a chart").click()
        page.get_by_label("Title", exact=True).fill(title)
        page.get_by_label("Measure").select_option(measure)
        page.get_by_label("Query", exact=True).fill("name:$name")
        page.get_by_label("Group by").fill(group)
        page.get_by_text("Table", exact=True).click()
        page.get_by_role("button", name="Preview").click()
        expect(page.locator(".preview tbody tr").first).to_be_visible()
        page.get_by_role("button", name="Save chart").click()
    headings = page.locator(".tile[data-tile] h2")
    expect(headings).to_have_text(["By name", "By release"])
    page.locator(".tile header", has_text="By release").drag_to(page.locator("#tile-0"))
    expect(headings).to_have_text(["By release", "By name"])
    page.get_by_title("Move By release on").click()
    expect(headings).to_have_text(["By name", "By release"])

    page.get_by_role("link", name="Done").click()
    table = page.locator("#tile-0 tbody tr")
    expect(table).to_have_count(3)
    page.get_by_role("combobox", name="name").fill("chat")
    page.get_by_role("button", name="Apply").click()
    expect(table).to_have_count(1)
    expect(page).to_have_url(re.compile("v_name=chat"))

    page.get_by_role("button", name="More").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as JSON").click()
    path = tmp_path / "exports.json"
    download.value.save_as(path)
    assert [tile["title"] for tile in json.loads(path.read_text())["tiles"]] == [
        *("By name", "By release"),
    ]
    page.goto(page.url.partition("/dashboards/")[0] + "/dashboards")
    page.get_by_text("Import a document").click()
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Import").click()
    expect(headings).to_have_text(["By name", "By release"])


def test_without_a_script_the_charts_are_part_of_the_page(open_page: OpenPage) -> None:
    page = open_page(HOME, scripts=False)
    expect(page).to_have_url(re.compile("tiles=inline"))
    assert figure(page, "Traces") == "20"
    expect(page.locator("section.tile")).to_have_count(17)
    page.get_by_role("link", name="Traces 20").click()
    expect(page.locator(".list .open")).to_have_count(20)
