"""Annotations as forms without a script: bookmark, tags, comments, scores, the visitor's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import FRAGMENT, SAME_ORIGIN, StoreTraces, post_form
from tests.support.pages.sample_traces import TraceBuilder, agent_trace
from tracer.config import Config

MakeApp: TypeAlias = Callable[[Config], Flask]
TRACE = f"/project/default/traces/{'a' * 32}"
SESSION = "/project/default/sessions/chat_91c2"
BOTH = pytest.mark.parametrize("path", [TRACE, SESSION])


@pytest.fixture(autouse=True)
def stored_trace(store_traces: StoreTraces) -> None:
    """There is a trace in a session."""
    store_traces(agent_trace())


def see(client: FlaskClient, path: str) -> Element:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def remarks(page: Element) -> list[str]:
    return [remark.text for remark in page.all(css="remark") if "writing" not in remark.classes]


@BOTH
def test_a_bookmark_is_set_and_removed(client: FlaskClient, path: str) -> None:
    star = see(client, path).one("form", "star")
    assert star.one("button")["aria-pressed"] == "false"
    answer = post_form(client, star["action"], action="set")
    assert answer.location == path
    star = see(client, path).one("form", "star")
    assert star.one("button")["aria-pressed"] == "true"
    post_form(client, star["action"], action=star.one("input")["value"])
    assert see(client, path).one("form", "star").one("button")["aria-pressed"] == "false"


def test_tags_are_added_and_removed_one_by_one(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    before = {tag.text for tag in see(client, TRACE).all("a", "tag")}
    post_form(client, f"{TRACE}/tags", add="mine, checked twice,", remove="agent")
    after = {tag.text for tag in see(client, TRACE).all("a", "tag")}
    assert after == (before - {"agent"}) | {"mine", "checked twice"}
    kept = {"had": ["mine", "billing"], "keep": ["billing"], "tag": ["found"]}
    post_form(client, f"{TRACE}/tags", **kept)
    assert {tag.text for tag in see(client, TRACE).all("a", "tag")} == (after - {"mine"}) | {
        "found"
    }
    other = TraceBuilder("e" * 32, name="other", tags=["founder"])
    store_traces(other)
    offered = see(client, f"{TRACE}/tags?add=x,+fo").all("input")
    assert [box["value"] for box in offered] == ["founder"]
    assert "new in this project" in see(client, f"{TRACE}/tags?add=zzz").text
    post_form(client, f"{TRACE}/tags", add="x" * 201, status=422)
    post_form(client, f"{TRACE}/tags", add="bell \x07", status=422)
    post_form(client, f"{TRACE}/tags", status=303)


def test_edits_by_two_visitors_at_once_are_both_kept(app: Flask) -> None:
    ada, bob = app.test_client(), app.test_client()
    # Both have the page as it was before either of them saved.
    see(ada, TRACE), see(bob, TRACE)
    post_form(ada, f"{TRACE}/tags", add="from ada", remove="agent")
    post_form(bob, f"{TRACE}/tags", add="from bob")
    tags = {tag.text for tag in see(ada, TRACE).all("a", "tag")}
    assert {"from ada", "from bob"} <= tags
    assert "agent" not in tags


@BOTH
def test_a_comment_is_written_edited_and_deleted(client: FlaskClient, path: str) -> None:
    answer = post_form(client, f"{path}/comments", text="look **here**", reader="Ada")
    page = see(client, answer.location)
    (only,) = page.all("article", "remark")
    assert only.one("b").text == "Ada"
    assert only.one("strong").text == "here"
    authors = [small.text for small in page.all("small", "who")]
    assert authors
    assert [text for text in authors if not text.startswith("as Ada")] == []
    url = only.one("form")["action"]
    post_form(client, url, action="edit", text="look there")
    (only,) = see(client, answer.location).all("article", "remark")
    history = only.one("details", "history")
    assert "look there" in only.text
    assert history.one(css="was").one("strong").text == "here"
    post_form(client, url, action="delete")
    assert see(client, answer.location).all("article", "remark") == []
    post_form(client, url, action="delete", status=404)


def test_a_comment_on_a_span_is_shown_with_its_trace(client: FlaskClient) -> None:
    answer = post_form(client, f"{TRACE}/comments", text="this one", reader="Ada", span="root")
    assert answer.location == f"{TRACE}?span=root&tab=comments"
    assert "this one" in see(client, answer.location).one(css="remarks").text
    shown = see(client, f"{TRACE}?tab=comments").one("article", "remark")
    assert shown.one("a", "link")["href"].endswith("?span=root&tab=comments")
    post_form(client, f"{TRACE}/comments", text="?", reader="Ada", span="nope", status=404)


@pytest.mark.parametrize("what", ["comments", "scores"])
def test_only_the_author_of_an_annotation_can_change_it(app: Flask, what: str) -> None:
    ada, namesake = app.test_client(), app.test_client()
    form = {"text": "mine", "name": "good", "data_type": "boolean", "yes": "yes", "reader": "Ada"}
    post_form(ada, f"{TRACE}/{what}", **form)
    page = see(ada, f"{TRACE}?tab={what}")
    forms = [form["action"] for form in page.all("form") if "action" in form.attributes]
    url = next(action for action in forms if f"/{what}/" in action)
    post_form(namesake, f"{TRACE}/comments", text="I am Ada as well", reader="Ada")
    post_form(namesake, url, **form, action="edit", status=403)
    post_form(namesake, url, action="delete", status=403)
    shown = see(namesake, f"{TRACE}?tab={what}")
    assert url not in [form["action"] for form in shown.all("form") if "action" in form.attributes]
    post_form(ada, url.replace("a" * 32, "b" * 32), **form, status=404)
    post_form(ada, url, action="delete")


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ({"data_type": "numeric", "value": "4,5", "low": "0", "high": "5"}, "4.5 of 5"),
        ({"data_type": "categorical", "category": "polite"}, "polite"),
        ({"data_type": "boolean", "yes": "no"}, "no"),
        ({"data_type": "text", "text_value": "could be shorter"}, "could be shorter"),
    ],
)
@BOTH
def test_every_type_of_score_can_be_given(
    client: FlaskClient, path: str, form: dict[str, str], shown: str
) -> None:
    answer = post_form(
        client, f"{path}/scores", name="mine", reader="Ada", comment="because", **form
    )
    page = see(client, answer.location)
    (only,) = [remark for remark in page.all("li", "remark") if remark.one("b").text == "mine"]
    assert all(word in only.text for word in (shown, "Ada", "because"))
    field = next(name for name in ("value", "category", "yes", "text_value") if name in form)
    url = only.one("form")["action"]
    changed = {**form, field: {"value": "1", "yes": "yes"}.get(field, "other")}
    post_form(client, url, name="mine", action="edit", **changed)
    (only,) = [
        remark
        for remark in see(client, answer.location).all("li", "remark")
        if "mine" in remark.text
    ]
    assert {"value": "1 of 5", "yes": "yes"}.get(field, "other") in only.text


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"data_type": "numeric", "value": "6", "low": "0", "high": "5"}, "outside the range"),
        ({"data_type": "numeric", "value": "nan"}, "not a number"),
        ({"data_type": "numeric"}, "a number"),
        ({"data_type": "numeric", "value": "1", "low": "5", "high": "0"}, "The range is empty"),
        ({"data_type": "boolean"}, "yes or no"),
        ({"data_type": "categorical"}, "Enter the score's text"),
        ({"data_type": "colour"}, "Choose a type"),
        ({"data_type": "numeric", "value": "1", "name": ""}, "Enter the score's name"),
        ({"data_type": "numeric", "value": "1", "reader": " "}, "Enter your name"),
    ],
)
def test_an_invalid_score_is_refused_with_a_reason(
    client: FlaskClient, form: dict[str, str], reason: str
) -> None:
    sent = {"name": "mine", "reader": "Ada"} | form
    answer = client.post(f"{TRACE}/scores", data=sent, headers={**SAME_ORIGIN, **FRAGMENT})
    assert answer.status_code == 422
    assert reason in answer.text
    assert "<" not in answer.text
    assert reason in post_form(client, f"{TRACE}/scores", 422, **sent).text.replace("&#39;", "'")


def test_the_range_of_a_score_is_kept_for_the_next_one(client: FlaskClient) -> None:
    form = {"name": "stars", "data_type": "numeric", "reader": "Ada"}
    post_form(client, f"{TRACE}/scores", value="3", low="1", high="5", **form)
    post_form(client, f"{SESSION}/scores", value="6", status=422, **form)
    post_form(client, f"{SESSION}/scores", value="5", **form)
    assert "5 of 5" in see(client, SESSION).one(id="annotations").text


def test_the_projects_scores_are_lines_and_a_value_out_of_range_is_refused_alone(
    client: FlaskClient,
) -> None:
    configs = (
        {"name": "helpful", "dataType": "NUMERIC", "minValue": 1, "maxValue": 5},
        {"name": "tone", "dataType": "NUMERIC", "minValue": 0, "maxValue": 1},
        {"name": "resolved", "dataType": "BOOLEAN"},
    )
    for config in configs:
        assert client.post("/api/public/score-configs", json=config).status_code == 200
    form = see(client, f"{TRACE}?tab=scores").one("form", **{"aria-label": "Values of scores"})
    choices = form.all("input", name="line.helpful")
    assert [choice["value"] for choice in choices] == ["1", "2", "3", "4", "5"]
    sent = {"lines": "1", "reader": "Ada", "line.tone": "1.4", "line.resolved": "yes"}
    refused = post_form(client, f"{TRACE}/scores", 422, **sent).text
    assert "tone: 1.4 is outside the range 0 to 1. The others are saved." in refused
    post_form(client, f"{TRACE}/scores", **{**sent, "line.tone": "0.5", "line.resolved": ""})
    listed = remarks(see(client, f"{TRACE}?tab=scores"))
    assert [text.split()[:2] for text in listed[-2:]] == [["resolved", "yes"], ["tone", "0.5"]]
    assert "at least one value" in post_form(client, f"{TRACE}/scores", 422, lines="1").text


@BOTH
def test_a_score_is_given_in_the_popover_of_the_head(client: FlaskClient, path: str) -> None:
    tone = {"name": "tone", "dataType": "NUMERIC", "minValue": 0, "maxValue": 1}
    for config in (tone, {"name": "resolved", "dataType": "BOOLEAN"}):
        assert client.post("/api/public/score-configs", json=config).status_code == 200
    menu = see(client, path).one(id="score").one("a")["href"]
    assert menu == f"{path}/scores"
    form = see(client, menu).one("form", **{"aria-label": "Values of scores"})
    assert form["action"] == menu
    sent = {"menu": "1", "lines": "1", "reader": "Ada", "line.tone": "7", "line.resolved": "no"}
    headers = {**SAME_ORIGIN, **FRAGMENT, "HX-Current-URL": f"http://localhost{path}"}
    answer = parse(client.post(menu, data=sent, headers=headers).text)
    shown = answer.one(id="score-menu")
    assert shown.one("input", name="line.tone")["value"] == "7"
    assert "outside the range 0 to 1" in shown.one("form").text
    given = shown.one("tbody").all("tr")
    assert [cell.text for cell in given[0].all("td")][:3] == ["resolved", "no", "Ada"]
    behind = answer.one("hx-partial")
    assert "resolved no" in " ".join(behind.one("ul", "remarks").text.split())


def test_the_share_form_at_a_loopback_address_offers_the_public_one(
    config: Config, make_app: MakeApp
) -> None:
    public = replace(config, trusted_proxies="10.0.0.0/8", allowed_hosts="tracer.example")
    alert = see(make_app(public).test_client(), f"{TRACE}/shares").one("p", "alert")
    assert alert.one("a")["href"] == f"https://tracer.example{TRACE}"


def test_scores_by_hand_are_listed_with_those_of_the_api(client: FlaskClient) -> None:
    post_form(client, f"{TRACE}/scores", name="mine", data_type="boolean", yes="yes", reader="Ada")
    theirs = {"trace_id": "a" * 32, "name": "theirs", "value": 0.5}
    assert client.post("/api/v1/scores", json=theirs).status_code == 201
    shown = see(client, f"{TRACE}?tab=scores").text
    assert "mine yes Ada" in shown
    assert "theirs 0.5 api" in shown


def test_a_visitors_name_is_kept_and_changed_and_can_not_be_forged(
    client: FlaskClient, app: Flask
) -> None:
    answer = post_form(client, "/reader", reader="  Ada \n Lovelace ", back=TRACE)
    assert answer.location == TRACE
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert see(client, "/reader").one("input", name="reader")["value"] == "Ada Lovelace"
    for back in ("https://elsewhere.example/", "//elsewhere.example/project/", "/project/\\x"):
        assert post_form(client, "/reader", reader="Ada", back=back).location == "/reader"
    forger = app.test_client()
    value = cookie.partition("=")[2].partition(";")[0]
    forger.set_cookie("tracer_reader", value[:-2] + ("AA" if value[-2:] != "AA" else "BB"))
    assert see(forger, "/reader").one("input", name="reader")["value"] == ""


def test_the_user_header_of_a_proxy_is_used_where_it_is_configured(
    make_app: Any, config: Any
) -> None:
    import dataclasses

    header = {"X-Forwarded-User": "Zoë".encode().decode("latin-1")}
    form = {"text": "from the proxy", "reader": "Mallory"}
    plain = make_app(config).test_client()
    assert (
        plain.post(
            f"{TRACE}/comments", data={"text": "x"}, headers=SAME_ORIGIN | header
        ).status_code
        == 422
    )
    client = make_app(dataclasses.replace(config, reader_header="X-Forwarded-User")).test_client()
    assert (
        client.post(f"{TRACE}/comments", data=form, headers=SAME_ORIGIN | header).status_code == 303
    )
    page = parse(client.get(f"{TRACE}?tab=comments", headers=header).text)
    assert page.one("article", "remark").one("b").text == "Zoë"
    assert page.one("article", "remark").all("form")


@BOTH
def test_a_delete_shows_what_it_removes_and_then_removes_it(client: FlaskClient, path: str) -> None:
    post_form(client, f"{path}/comments", text="soon gone", reader="Ada")
    preview = see(client, f"{path}/delete")
    facts = [value.text for value in preview.one("main").one("dl", "facts").all("dd")]
    assert facts[0] == "1"
    assert facts[3] == "1"
    assert client.get(path).status_code == 200
    answer = post_form(client, preview.one("form", method="post")["action"])
    assert answer.location == path.rpartition("/")[0]
    for gone in (TRACE, SESSION, f"{path}/delete"):
        assert client.get(gone).status_code == 404
    post_form(client, f"{path}/delete", status=404)


@pytest.mark.parametrize("path", ["bookmark", "tags", "comments", "scores", "shares", "delete"])
def test_a_form_of_another_origin_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.post(f"{TRACE}/{path}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@BOTH
def test_a_hostile_comment_is_inert(client: FlaskClient, path: str) -> None:
    text = "<script>alert(1)</script> [x](javascript:alert(1)) ![i](https://evil.example/p.png)"
    answer = post_form(client, f"{path}/comments", text=text, reader="<b>Eve</b>")
    page = see(client, answer.location)
    remark = page.one("article", "remark")
    assert remark.one("header").one("b").text == "<b>Eve</b>"
    assert "<script>alert(1)</script>" in remark.text
    assert not remark.all("script")
    assert not remark.all("img")
    links = [link["href"] for link in remark.all("a")]
    assert [href for href in links if href.startswith("javascript")] == []


def test_lists_show_annotations_and_can_be_filtered_by_them(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(TraceBuilder("plain", name="plain").span("s"))
    post_form(client, f"{TRACE}/bookmark", action="set")
    post_form(client, f"{SESSION}/bookmark", action="set")
    for path in (TRACE, SESSION):
        post_form(client, f"{path}/comments", text="hm", reader="Ada")
        post_form(client, f"{path}/scores", name="tone", data_type="categorical", category="polite")
    for listed in ("traces", "sessions"):
        for mark in ("bookmark", "comment", "score"):
            page = see(client, f"/project/default/{listed}?q=has:{mark}")
            (row,) = page.one("table", "list").one("tbody").all("tr")
            assert row.one("td", "mk").text == "Bookmarked1"
            assert row.one("td", "scores").text == "tone polite"
    assert len(see(client, "/project/default/traces").one("tbody").all("tr")) == 2


def test_a_script_gets_only_the_part_that_it_swaps(client: FlaskClient) -> None:
    for path, form, css in (
        ("bookmark", {"action": "set"}, "star"),
        ("tags", {"add": "new"}, "tagging"),
        ("comments", {"text": "hm", "reader": "Ada", "span": "root"}, "remark"),
    ):
        answer = client.post(f"{TRACE}/{path}", data=form, headers={**SAME_ORIGIN, **FRAGMENT})
        assert answer.status_code == 200
        part = parse(answer.text)
        assert part.all(css=css)
        assert not part.all("html")
