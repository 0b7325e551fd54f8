"""The page, the file and the API answer that compare two traces."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now

OLD, BAD, NEW = (letter * 32 for letter in "abc")


def run(trace_id: str, age: int, *, prompt: str, tools: list[str], **fields: Any) -> TraceBuilder:
    """Return a trace of a model call and of tools, one second each."""
    story = TraceBuilder(
        trace_id, now() - age * SECOND, name="ticket", user_id="u", session_id="s", **fields
    )
    story.span("root", None, 0, 2 + len(tools), kind="agent")
    story.generation("decide", "root", 0, 1, prompt_name="decide",
        input=[{"role": "system", "content": prompt}, {"role": "user", "content": "Refund?"}],
        model_parameters={"temperature": len(tools) / 10, "seed": 7})  # fmt: skip
    for number, tool in enumerate(tools):
        level = "error" if tool == "refund" and len(tools) > 2 else "default"
        story.span(f"t{number}", "root", 1 + number, 2 + number, kind="tool", name=tool,
            level=level, input={"charge": number})  # fmt: skip
    return story


@pytest.fixture
def runs(store_traces: StoreTraces) -> None:
    store_traces(
        run(OLD, 300, prompt="Refund up to $50.", tools=["list", "refund"], release="1"),
        run(BAD, 200, prompt="x", tools=["a", "b", "refund"], release="1"),
        run(
            NEW, 100, prompt="Refund up to $200.", tools=["refund", "check", "refund"], release="2"
        ),
    )


@pytest.mark.usefixtures("runs")
def test_a_trace_is_compared_with_the_last_good_run(get_page: GetPage) -> None:
    page = get_page(f"/compare?now={NEW}")
    tabs = [link.text for link in page.one("nav", "strip").all("a")]
    assert [tab.split(" ")[0] for tab in tabs] == ["Last", "Previous"]
    assert "refund failed" in page.one("h1").text
    rows = [row for row in page.all(css="row") if "leaf" in row.classes]
    states = {(row.one("a").text, row.classes[3]) for row in rows}
    assert {("list", "removed"), ("check", "added"), ("decide", "changed")} <= states
    facts = page.one("main").one("dl", "facts")
    assert (facts.all("del")[0].text, facts.all("ins")[0].text) == ("1", "2")
    assert [reason.text for reason in page.one("main").one("ol").all("li")] == [
        "refund failed. +1.00 s",
        "decide has other parameters. show",
        "list is no longer called. −1.00 s",
        "check is new: 1 call. +1.00 s",
    ]
    only = get_page(f"/compare?now={NEW}&show=removed").all(css="removed")
    assert [row.one("a").text for row in only] == ["list"]


@pytest.mark.usefixtures("runs")
def test_a_selected_row_shows_words_and_parameters_that_differ(get_page: GetPage) -> None:
    panel = get_page(f"/compare?then={OLD}&now={NEW}&span=decide").one("section", "panel")
    values = {row.all("td")[0].text: row.text for row in panel.one("tbody").all("tr")}
    assert "0.3" in values["temperature"]
    assert "same" in values["seed"]
    changed = [(tag, each.text) for tag in ("del", "ins") for each in panel.one("pre").all(tag)]
    assert changed == [("del", "50"), ("ins", "200")]
    assert "1 message the same" in panel.text


@pytest.mark.usefixtures("runs")
def test_two_ticked_traces_are_compared_in_the_order_of_time(
    get_page: GetPage, client: FlaskClient
) -> None:
    ticked = client.get(f"/project/default/compare.json?trace={NEW}&trace={OLD}").json
    assert (ticked["then"]["id"], ticked["now"]["id"]) == (OLD, NEW)
    api = client.get(f"/api/v1/comparison?then={OLD}&now={NEW}&span=decide").json
    assert api["counts"] == ticked["counts"]
    assert api["span"]["then_id"] == "decide"
    lines = client.get(f"/project/default/compare?then={OLD}&now={NEW}&format=csv").text
    assert len(list(csv.reader(lines.splitlines()))) == 1 + len(api["rows"])
    assert client.get(f"/api/v1/comparison?then={OLD}&now=nothing").status_code == 404
    get_page("/compare", 400)


def test_the_usual_run_is_the_good_one_of_median_duration(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    earlier = [
        run(str(number) * 32, 900 - number, prompt="x", tools=["a"] * number)
        for number in (5, 1, 3, 2, 4)
    ]
    store_traces(*earlier, run(NEW, 100, prompt="x", tools=["a"]))
    tabs = get_page(f"/compare?now={NEW}").one("nav", "strip").all("a")
    usual = next(tab for tab in tabs if tab.text.startswith("Usual run"))
    assert "3" * 32 in usual["href"]


@pytest.mark.usefixtures("runs")
def test_the_first_run_has_nothing_to_compare_with(get_page: GetPage) -> None:
    assert "No earlier trace" in get_page(f"/compare?now={OLD}").one("main").text


@pytest.mark.usefixtures("runs")
def test_another_trace_is_named_by_id_link_name_or_query(
    client: FlaskClient, get_page: GetPage
) -> None:
    named = {
        OLD.upper(): OLD,
        f"http://elsewhere/project/default/traces/{BAD}?observation=root": BAD,
        "ticket": BAD,
        "errors:0 release:1": OLD,
    }
    for text, trace_id in named.items():
        answer = client.get("/project/default/compare", query_string={"now": NEW, "with": text})
        assert f"then={trace_id}&" in answer.location, text
    for text in ("nothing-like-it", "latncy:>1s", NEW):
        page = get_page(f"/compare?now={NEW}&with={text}")
        assert text in page.one("p", "alert").text
        assert page.one("form", id="other").one("input", name="with")["value"] == text
