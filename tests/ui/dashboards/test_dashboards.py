"""Home and dashboards: tiles with links whose lists agree, files, forms, and who may use them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import log_in, make_member
from tests.support.pages.behind import listed
from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import FRAGMENT, SAME_ORIGIN, GetPage, StoreTraces, post_form
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.dashboards.library import READY, ready
from tracer.measure.compare import Estimate
from tracer.ui.charts.units import Unit
from tracer.ui.dashboards.compare_page import words

BASE = "/project/default/dashboards"
WEEK = "range=-24h&tiles=inline"


@pytest.fixture
def day(store_traces: StoreTraces) -> None:
    """A day of traces: of three names, some failed, with model calls, tools, scores, releases."""
    traces = []
    for number in range(24):
        failed = number % 6 == 1
        trace = TraceBuilder(
            f"{number:032}",
            now() - (number * 3500 + 600) * SECOND,
            name=("chat", "search", "export")[number % 3],
            user_id=f"user-{number % 5}" if number % 7 else None,
            release="v2" if number < 8 else "v1",
            environment="production" if number % 4 else "staging",
        )
        level = {"level": "error", "status_message": "ToolTimeout: too slow"} if failed else {}
        trace.span("root", None, 0, 1 + number, kind="agent", **level)
        trace.generation("call", "root", 0, 0.5 + number / 10, first_token=0.2)
        trace.span("look_up", "root", 0, 0.1, kind="tool", **level)
        if number % 2:
            trace.score("helpful", number / 24)
        traces.append(trace)
    store_traces(*traces)


def tiles(page: Element) -> dict[str, Element]:
    """Return the tiles of a page by their titles."""
    return {tile.all("h2")[0].text: tile for tile in page.all("section", "tile") if tile.all("h2")}


@pytest.mark.usefixtures("day")
def test_every_number_of_the_home_is_that_of_the_list_behind_it(
    client: FlaskClient, get_page: GetPage
) -> None:
    shown = tiles(get_page(f"?{WEEK}"))
    assert set(shown) == {tile.title for tile in ready("home").tiles}  # type: ignore[union-attr]

    figure = shown["Traces"].one("p", "figure").one("a")
    assert figure.text == str(len(listed(client, figure["href"]))) == "24"
    rate = shown["Error rate"].one("p", "figure").one("a")
    assert rate.text == f"{100 * len(listed(client, rate['href'])) / 24:.1f} %"
    users = shown["Users"].one("p", "figure").one("a")
    assert users.text == str(
        len({row["user_id"] for row in listed(client, users["href"])} - {None})
    )
    cost = shown["Cost"].one("p", "figure").one("a")
    total = sum(row["total_cost"] or 0 for row in listed(client, cost["href"]))
    assert cost.text == f"${total:.3f}"

    checked = 0
    for title in ("Dearest names", "Top users", "Errors by type", "Tools by failures"):
        table = shown[title].one("table")
        names = [head.text for head in table.all("th")][1:]
        for row in table.one("tbody").all("tr"):
            for name, cell in zip(names, row.all("td")[1:], strict=True):
                rows = listed(client, cell.one("a")["href"])
                if name == "Cost":
                    assert cell.text == f"${sum(row['total_cost'] or 0 for row in rows):.3f}"
                else:
                    assert cell.text == str(len(rows)), (title, name)
                checked += 1
    assert checked >= 15
    links = [
        link
        for link in shown["Traces by status"].all("a")
        if link.all("title") and {"bad", "rest"} & set(link.one("rect").classes)
    ]
    for link in links:
        count = link.one("title").text.rpartition(" ")[2]
        assert count == str(len(listed(client, link["href"])))
    assert len(links) >= 8


@pytest.mark.usefixtures("day")
@pytest.mark.parametrize("name", READY)
def test_every_tile_of_the_library_is_drawn(get_page: GetPage, name: str) -> None:
    page = get_page(f"/dashboards/{name}?{WEEK}")
    dashboard = ready(name)
    assert dashboard is not None
    assert len(page.all("section", "tile")) == len(dashboard.tiles)
    assert page.all("p", "bad") == []
    for tile in page.all("section", "tile"):
        assert tile.all("p", "figure") or tile.all("svg") or "Nothing" in tile.text


@pytest.mark.usefixtures("day")
def test_tiles_are_loaded_one_by_one(client: FlaskClient, get_page: GetPage) -> None:
    page = get_page("?range=-24h&v_env=staging")
    waiting = [tile["hx-get"] for tile in page.all("section", "tile")]
    assert len(waiting) == 17
    assert all("range=-24h&v_env=staging" in url for url in waiting)
    without_script = page.one("noscript").one("meta")["content"]
    assert without_script.endswith("?range=-24h&v_env=staging&tiles=inline")
    fragment = client.get(waiting[0], headers=FRAGMENT)
    tile = parse(fragment.text).one("section", "tile")
    assert tile.one("p", "figure").one("a").text == "6"


@pytest.mark.usefixtures("day")
def test_a_chart_has_a_title_a_description_a_table_and_files(
    client: FlaskClient, get_page: GetPage
) -> None:
    number = 7
    page = get_page(f"/dashboards/home/tiles/{number}?range=-24h")
    chart = page.one("svg", "area")
    assert page.one("h2", id=chart["aria-labelledby"]).text == "Latency"
    assert chart.one("desc", id=chart["aria-describedby"]).text.startswith("Per ")
    assert [mark.text for mark in chart.all("text")] == ["v2", "v1"]
    table = page.one("section", "rolls").one("table")
    assert [head.text for head in table.one("thead").all("th")] == ["Start", "p50", "p95", "p99"]
    assert re.search(r"Read by a scan, \d+ ms|Read from rollups, \d+ ms", page.one("main").text)
    answer = client.get(f"{BASE}/home/tiles/{number}.csv?range=-24h")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Latency.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["Start", "p50 (seconds)", "p95 (seconds)", "p99 (seconds)"]
    data = client.get(f"{BASE}/home/tiles/{number}.json?range=-24h").get_json()
    assert data["question"]["percents"] == [50, 95, 99]
    assert [row[0] for row in data["rows"]] == [row[0] for row in rows[1:]]
    assert len(data["rows"]) == len(table.one("tbody").all("tr"))


@pytest.mark.usefixtures("day")
def test_the_time_the_query_and_variables_are_in_the_address(get_page: GetPage) -> None:
    page = get_page("?range=2020-01-01..2020-02-01&tiles=inline")
    assert tiles(page)["Traces"].one("p", "figure").one("a").text == "0"
    page = get_page(f"?{WEEK}&q=name:chat")
    assert tiles(page)["Traces"].one("p", "figure").one("a").text == "8"
    page = get_page(f"?{WEEK}&q=latncy:>1s")
    assert "can’t be read" in page.one("p", "alert").text
    assert tiles(page)["Traces"].one("p", "figure").one("a").text == "24"
    page = get_page("?range=next%20year&tiles=inline")
    assert "expected a range" in page.one("p", "alert").text
    page = get_page("?from=2020-01-01T00:00&to=2020-01-02T00:00")
    assert "2020-01-01 00:00 to 2020-01-02 00:00" in page.one("main").text


@pytest.mark.usefixtures("day")
def test_times_are_those_of_the_reader(client: FlaskClient, get_page: GetPage) -> None:
    client.set_cookie("tracer_zone", "Asia/Tokyo")
    time = "range=2026-11-01T00:00..2026-11-03T00:00"
    page = get_page(f"/dashboards/home/tiles/0?{time}")
    assert "2026-11-01 00:00 to 2026-11-03 00:00" in page.one("main").text
    assert page.one("input", name="from")["value"] == "2026-11-01T00:00"
    assert "Times are JST" in page.one("main").text
    labels = [row.one("th").text for row in page.one("section", "rolls").one("tbody").all("tr")]
    assert (labels[0], labels[-1]) == ("Sun 1 Nov 00:00", "Mon 2 Nov 22:00")
    data = client.get(f"{BASE}/home/tiles/0.json?{time}").get_json()
    assert data["since"] == data["rows"][0][0] == "2026-10-31T15:00:00.000000Z"


def make(client: FlaskClient, **form: Any) -> str:
    """Make a dashboard; return its address."""
    address = post_form(client, BASE, **form).headers["Location"]
    return address.removesuffix("/edit")


TILE = {
    "title": "Failures",
    "measure": "count",
    "grain": "traces",
    "query": "status:error name:$name",
    "group_by": "name",
    "limit": "5",
    "chart": "bar",
    "width": "half",
}


@pytest.mark.usefixtures("day")
def test_a_dashboard_is_built_by_forms(client: FlaskClient, get_page: GetPage) -> None:
    url = make(client, name="Exports")
    path = url.removeprefix("/project/default")
    assert get_page(f"{path}/edit").one("h1").text == "Exports"
    form = {"tile": "new", "version": 1, **TILE}
    post_form(client, f"{url}/tiles", **form)
    post_form(client, f"{url}/tiles", **{**form, "version": 2, "title": "Slow", "chart": "table"})
    post_form(client, f"{url}/move", version=3, number=1, to=0)
    assert list(tiles(get_page(f"{path}?tiles=inline"))) == ["Slow", "Failures"]
    changed = {"name": "Exports", "range": "-24h", "query": "", "description": "x"}
    variables = {"variable_name": "name", "variable_field": "name", "variable_value": "chat"}
    post_form(client, f"{url}/settings", version=4, **changed, **variables)
    page = get_page(f"{path}?tiles=inline&v_name=search")
    assert page.one("input", "field", name="v_name")["value"] == "search"
    assert [row.text for row in tiles(page)["Slow"].one("tbody").all("tr")] == ["search4"]
    post_form(client, f"{url}/add", version=5, ready="cost")
    assert len(tiles(get_page(f"{path}?tiles=inline"))) == 2 + len(ready("cost").tiles)  # type: ignore[union-attr]
    post_form(client, f"{url}/drop", version=6, number=0)
    # An outdated page changes nothing.
    stale = post_form(client, f"{url}/drop", 422, version=6, number=0)
    assert "changed this dashboard meanwhile" in stale.text
    wrong = post_form(client, f"{url}/tiles", 422, **{**form, "version": 7, "query": "latncy:>2s"})
    assert "did you mean" in parse(wrong.text).one("p", "bad", role="alert").text.lower()
    assert parse(wrong.text).one("input", name="title")["value"] == "Failures"
    post_form(client, f"{url}/remove")
    assert client.get(url).status_code == 404


@pytest.mark.usefixtures("day")
def test_the_editor_previews_a_tile_that_is_not_saved(
    client: FlaskClient, get_page: GetPage
) -> None:
    path = make(client, name="Trial").removeprefix("/project/default")
    shown = {**TILE, "query": "status:error", "tile": "new", "range": "-24h"}
    page = get_page(f"{path}/edit?{urlencode(shown)}")
    assert page.one("div", "preview").all("svg", "area")
    assert get_page(f"{path}?tiles=inline").all("section", "tile") == []
    page = get_page(f"{path}/edit?{urlencode({**shown, 'measure': 'sum'})}")
    assert "needs the field" in page.one("p", "bad", role="alert").text


def test_a_dashboard_is_exported_imported_and_copied(client: FlaskClient) -> None:
    answer = client.get(f"{BASE}/latency/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Latency.json"'
    url = make(client, document=answer.text)
    assert client.get(f"{url}/export").get_json() == answer.get_json()
    copy = post_form(client, f"{url}/copy").headers["Location"].removesuffix("/edit")
    assert client.get(f"{copy}/export").get_json()["name"] == "Copy of Latency"
    as_file = {"file": (io.BytesIO(answer.data), "latency.json")}
    assert client.post(BASE, data=as_file, headers=SAME_ORIGIN).status_code == 303
    broken = answer.get_json()
    broken["tiles"][1]["question"]["query"] = "latncy:>2s"
    unstorable = ['{"name": "a\\u0000b"}', '{"name": "\\ud83d"}', "[" * 100_000]
    for text in ("{", "[]", '{"name": "x", "tiles": 1}', *unstorable, json.dumps(broken)):
        refused = post_form(client, BASE, 422, document=text)
        assert "Exception" not in refused.text
    assert "tiles[1]" in refused.text


def test_a_ready_dashboard_is_not_changed(client: FlaskClient) -> None:
    assert client.get(f"{BASE}/cost/edit").status_code == 404
    post_form(client, f"{BASE}/cost/drop", 404, number=0)
    assert client.get(f"{BASE}/nothing").status_code == 404
    assert client.get(f"{BASE}/home/tiles/99").status_code == 404


def test_viewers_read_and_members_edit(app: Flask) -> None:
    owner, viewer = app.test_client(), app.test_client()
    make_member(app, "owner", "owner", administrator=True)
    make_member(app, "viewer", "viewer")
    log_in(owner, "owner")
    log_in(viewer, "viewer")
    url = make(owner, name="Ours")
    assert viewer.get(url).status_code == 200
    assert "/edit" not in viewer.get(url).text
    assert viewer.post(BASE, data={"name": "x"}, headers=SAME_ORIGIN).status_code == 403
    assert viewer.post(f"{url}/remove", headers=SAME_ORIGIN).status_code == 403
    assert viewer.post(f"{url}/copy", headers=SAME_ORIGIN).status_code == 403
    events = owner.get("/project/default/audit").text
    assert "make_dashboard" in events


@pytest.mark.usefixtures("day")
def test_groups_are_compared_side_by_side(client: FlaskClient, get_page: GetPage) -> None:
    page = get_page("/comparison?by=release&range=-30d&of=v1&of=v2")
    table = page.one("table", "compared")
    assert [head.text for head in table.one("thead").all("th")] == ["Measure", "v1", "v2"]
    rows = {row.one("th").text: row.all("td") for row in table.one("tbody").all("tr")}
    assert [cell.text for cell in rows["Calls"]] == ["16", "8"]
    for cell in (*rows["Calls"], *rows["Traces"]):
        assert cell.text == str(len(listed(client, cell.one("a")["href"])))
    first, second = rows["Latency p50"]
    assert "of 16" in first.text
    assert "too few to tell" in second.text
    assert {"Cost per call", "Input from cache", "Answers cut off", "helpful"} <= set(rows)
    alone = get_page("/comparison?by=prompt")
    assert "No model call has a prompt" in alone.one("main").text
    assert "can’t be read" in get_page("/comparison?q=latncy:>1s").one("p", "alert").text


def test_a_difference_is_said_in_words() -> None:
    slow, fast = Estimate(3.0, 2.8, 3.2, 500), Estimate(1.8, 1.7, 1.9, 900)
    assert words(slow, fast, Unit.SECONDS, True) == "67 % more, beyond noise"
    assert words(fast, slow, Unit.SECONDS, True) == "40 % less, beyond noise"
    assert words(Estimate(9, 8, 10, 50), fast, Unit.SECONDS, True) == (
        "5.0 times as much, beyond noise"
    )
    share = Estimate(0.06, 0.05, 0.07, 900)
    assert words(share, Estimate(0.02, 0.01, 0.03, 900), Unit.SHARE, True) == (
        "4.0 points more, beyond noise"
    )
    assert words(slow, fast, Unit.SECONDS, False) == "no difference beyond noise"
