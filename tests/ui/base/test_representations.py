"""Each page and fragment of traces and sessions has a JSON representation of the same content."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace

TRACE = "a" * 32
BASE = "/project/default"
FILES = ("/export",)
"""Downloads are no pages."""
FRAGMENTS = ("/peek",)
"""Parts of a list; the JSON of what they show has an address of its own."""
FORMS = ("/delete", "/shares", "/scores", "/tags")
"""Forms; programs use /api/v1 instead."""


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    answer = client.get(BASE + path)
    assert answer.status_code == status, answer.text
    kind = "application/json" if status == 200 else "application/problem+json"
    assert answer.content_type == kind
    assert answer.headers["Cache-Control"] == "private, no-cache"
    return answer.json


def test_every_page_of_traces_and_sessions_has_a_json_representation(app: Flask) -> None:
    rules = {
        rule.rule: rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("ui.") and "GET" in (rule.methods or ())
    }
    pages = [
        rule
        for rule in rules
        if ("/traces" in rule or "/sessions" in rule)
        and not rule.endswith((".json", *FILES, *FORMS, *FRAGMENTS))
    ]
    assert len(pages) >= 7
    for rule in pages:
        assert rules.get(f"{rule}.json") == f"{rules[rule]}_json", (
            f"{rule} has no JSON representation"
        )


def test_a_list_has_the_same_json_as_the_api(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(agent_trace())
    assert get(client, "/traces.json") == client.get("/api/v1/traces").json
    assert get(client, "/traces.json?q=status:running")["data"] == []
    assert get(client, "/sessions.json") == client.get("/api/v1/sessions").json


def test_an_empty_list_has_no_cursors(client: FlaskClient) -> None:
    nothing = {"data": [], "next_cursor": None, "prev_cursor": None}
    assert get(client, "/traces.json") == nothing
    assert get(client, "/sessions.json") == nothing


def test_the_json_of_a_trace_has_its_open_tree_and_the_selected_span(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(agent_trace())
    document = get(client, f"/traces/{TRACE}.json")
    assert document["trace"] == client.get(f"/api/v1/traces/{TRACE}").json
    assert document["span"] is None
    [root] = document["tree"]["data"]
    assert (root["id"], root["placeholder"]) == ("root", False)
    below = root["children"]["data"]
    assert {row["parent_id"] for row in below} == {"root"}
    chosen = below[0]["id"]
    document = get(client, f"/traces/{TRACE}.json?span={chosen}")
    span = client.get(f"/api/v1/traces/{TRACE}/spans/{chosen}").json
    assert document["span"] == span
    panel = get(client, f"/traces/{TRACE}/span.json?id={chosen}")
    assert (panel["span"], panel["trace"]) == (span, document["trace"])


def test_a_level_is_paged_like_the_tree(client: FlaskClient, store_traces: StoreTraces) -> None:
    story = TraceBuilder("t").span("root")
    for number in range(150):
        story.span(f"s{number:03}", "root")
    store_traces(story)
    first = get(client, "/traces/t/spans.json?t=0-1-d&parent=root")
    assert (first["parent_id"], len(first["data"])) == ("root", 100)
    rest = get(client, f"/traces/t/spans.json?t=0-1-d&parent=root&after={first['next_cursor']}")
    assert [row["id"] for row in rest["data"]] == [f"s{number:03}" for number in range(100, 150)]
    assert rest["next_cursor"] is None


def test_a_value_is_complete(client: FlaskClient, store_traces: StoreTraces) -> None:
    long = {"list": list(range(1_000))}
    store_traces(TraceBuilder("t").span("s", input=long))
    assert get(client, "/traces/t/value.json?id=s&at=/input") == {
        "pointer": "/input",
        "value": long,
    }


def test_the_json_of_a_session_has_its_traces(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(TraceBuilder("t", session_id="chat/1", input="Hi", output="Hello").span("s"))
    document = get(client, "/sessions/chat%2F1.json")
    assert document["session"] == client.get("/api/v1/sessions/chat%2F1").json
    assert document["data"] == [client.get("/api/v1/traces/t").json]


def test_a_missing_trace_or_session_is_a_problem_document(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    assert "no trace" in get(client, "/traces/nope.json", 404)["detail"]
    assert "no session" in get(client, "/sessions/nope.json", 404)["detail"]
    store_traces(TraceBuilder("t").span("s"))
    assert "no span" in get(client, "/traces/t/span.json?id=nope", 404)["detail"]
    assert "no span" in get(client, "/traces/t.json?span=nope", 404)["detail"]
    assert "first page" in get(client, "/traces.json?cursor=nope", 400)["detail"]
    assert "is a time like" in get(client, "/traces.json?q=start:%3E%3Dnope", 400)["detail"]


def test_an_id_that_ends_in_json_has_a_page_and_a_json_representation(
    app: Flask, client: FlaskClient, store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(TraceBuilder("a.json", session_id="s/b%2E.json", name="one").span("s"))
    with app.test_request_context():
        path = url_for("ui.trace", project_id="default", trace_id="a.json").removeprefix(BASE)
        session = url_for("ui.session", project_id="default", session_id="s/b%2E.json")
    assert get_page(path).one("h1").text == "one"
    assert get_page("/traces").one("a", "open")["href"] == BASE + path
    assert get(client, f"{path}.json")["trace"]["id"] == "a.json"
    assert get(client, f"{path}/span.json")["trace"]["id"] == "a.json"
    document = get(client, f"{session.removeprefix(BASE)}.json")
    assert document["session"]["id"] == "s/b%2E.json"


@pytest.mark.usefixtures("client")
def test_lists_link_to_their_json_with_the_same_filters(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    for path in ("/traces", "/sessions"):
        links = get_page(f"{path}?q=env:default").all("a")
        [link] = [link for link in links if link.text == "JSON"]
        assert link["href"] == f"{BASE}{path}.json?q=env:default"
