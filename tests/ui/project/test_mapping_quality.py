"""Attribute mapping: the tab of a span, and the mapping quality of a project."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tests.support.wire.otlp import SPAN_ID, TRACE_ID, request, span
from tracer.store.database.session import transaction
from tracer.store.projects.projects import create_project

TRACE = "a" * 32


def send(client: FlaskClient, values: dict[str, Any], **fields: Any) -> None:
    body = json.dumps(request(span(values, **fields)))
    answer = client.post("/v1/traces", data=body, content_type="application/json")
    assert answer.get_json() == {}


def tab(get_page: GetPage) -> Element:
    return get_page(f"/traces/{TRACE_ID}/span?id={SPAN_ID}&tab=mapping", fragment=True)


def test_the_tab_shows_the_mapping_of_each_attribute(
    client: FlaskClient, get_page: GetPage
) -> None:
    send(client, {"gen_ai.request.model": "gpt-4o", "gen_ai.operation.name": "chat", "mine": 1})
    shown = tab(get_page)
    mapped, rest = (block.text for block in shown.all("ul", "mapping"))
    assert "gen_ai.request.model requested_model gpt-4o gen_ai" in mapped
    assert "gen_ai.operation.namealso stored as sent kind generation gen_ai" in mapped
    assert rest == "mine1 no dialect has a rule for this name"


def test_parts_of_one_value_are_shown_together(client: FlaskClient, get_page: GetPage) -> None:
    send(client, {f"llm.input_messages.{n}.message.content": "hi" for n in range(9)})
    [group] = tab(get_page).one("ul", "mapping").all("li")[:1]
    assert len(group.all("b")) == 1
    assert len(group.one("details").all("code")) == 3


def test_hostile_names_and_values_stay_text(client: FlaskClient, get_page: GetPage) -> None:
    send(client, {"<b>x</b>": "<script>alert(1)</script>"})
    shown = tab(get_page).one("ul", "mapping")
    assert shown.text.startswith("<b>x</b><script>alert(1)</script>")
    assert not shown.all("b")
    assert not shown.all("script")


def test_a_span_without_attributes_is_explained(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(TraceBuilder(TRACE, name="x").span("s"))
    shown = get_page(f"/traces/{TRACE}?span=s&tab=mapping")
    assert "No attributes were sent" in shown.one(id="panel").text


def rows(document: Element) -> dict[str, int]:
    bodies = document.one(id="main").all("tbody")
    cells = [row.all("td") for body in bodies for row in body.all("tr")]
    return {row[0].text.partition(" no attribute")[0]: int(row[1].text) for row in cells}


def test_the_page_counts_dialects_missing_fields_and_flags(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(TRACE, name="x").span("a", dialect="gen_ai").span("b")
    story.span("c", kind="generation").span("d", kind="generation", end=None)
    story.span("e", usage={"input": 1}, model="ours").span("f", flags=["truncated"])
    store_traces(story)
    assert rows(get_page("/mapping")) == {
        "gen_ai": 1,
        "unknown dialect": 5,
        "without model": 2,
        "without tokens": 1,
        "ours add a price for ours": 1,
        "truncated A value exceeded the limit of this server and was truncated.": 1,
    }


def test_each_count_leads_to_examples(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(TraceBuilder(TRACE, name="x").span("a/b", usage={"input": 1}, model="ours"))
    links = get_page("/mapping").one(id="main").all("a")
    assert {link["href"] for link in links} == {
        "/project/default/prices/new?model=ours",
        f"/project/default/traces/{TRACE}?span=a/b&tab=mapping",
        f"/project/default/traces/{TRACE}?span=a/b&tab=io",
    }
    assert all(client.get(link["href"]).status_code == 200 for link in links)


def test_a_project_without_problems_is_labelled(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(TraceBuilder(TRACE, name="x").span("a"))
    assert "No span has a data problem." in get_page("/mapping").text


def test_the_page_of_an_empty_project_explains_its_content(get_page: GetPage) -> None:
    shown = get_page("/mapping").one(id="main")
    assert "This page counts spans by dialect" in shown.text
    assert not shown.all("table")


@pytest.mark.usefixtures("get_page")
def test_a_project_shows_only_its_own_counts(
    app: Flask, client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(TraceBuilder(TRACE, name="x").span("a", usage={"input": 1}, model="ours"))
    with app.app_context(), transaction():
        create_project("other", "Other")
    assert "ours" in client.get("/project/default/mapping").text
    assert "ours" not in client.get("/project/other/mapping").text


def test_a_project_with_many_models_has_pages(client: FlaskClient, get_page: GetPage) -> None:
    spans = [
        {"trace_id": "t", "id": f"s{n}", "kind": "generation", "model": f"house-{n:03}"}
        | {"usage": {"input": 1}, "end_time": "2026-01-01T00:00:01Z"}
        | {"start_time": "2026-01-01T00:00:00Z"}
        for n in range(130)
    ]
    assert client.post("/api/v1/batch", json={"spans": spans}).status_code == 200
    seen: list[str] = []
    for number in (1, 2, 3):
        page = get_page(f"/mapping?page={number}")
        seen += re.findall(r"house-\d{3}(?=\s*add a price)", page.text)
        assert f"{30 if number == 3 else 50} of 130" in page.text
    assert seen == [f"house-{n:03}" for n in range(130)]
    assert "Every generation" not in page.text
    assert client.get("/project/default/mapping?page=3").text.count('rel="next"') == 0
    # The page of prices names the most frequent ones.
    assert client.get("/project/default/prices").text.count("Add a price for") <= 50
