"""A share link shows its trace or session and nothing else, and can be stopped at once."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.support.pages.dom import parse
from tests.support.pages.requests import FRAGMENT, SAME_ORIGIN, StoreTraces, post_form
from tests.support.pages.sample_traces import TraceBuilder, agent_trace
from tracer.config import Config
from tracer.extensions import db
from tracer.store.annotations.comments import create_comment
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.writing.delete import delete_trace
from tracer.web.access.policy import right_of
from tracer.web.access.rights import Right

OWN = "a" * 32
OTHER = "other-trace"
TRACE = f"/project/default/traces/{OWN}"
SECRET = "not-for-you"
PAGES = ("", "/spans?t=0-1-d", "/span", "/span?id=root", "/value?at=/input")


@pytest.fixture(autouse=True)
def stored_traces(store_traces: StoreTraces, app: Flask) -> None:
    """Two traces of one session, one of another; comments on the first."""
    other = TraceBuilder(OTHER, name=SECRET, session_id="chat_91c2", user_id=SECRET, tags=[SECRET])
    other.span(f"{SECRET}-span", None, input=SECRET, metadata={"note": SECRET})
    foreign = TraceBuilder("foreign", name=SECRET, session_id=SECRET)
    store_traces(agent_trace(), other, foreign.span("s", None, input=SECRET))
    with app.app_context(), transaction():
        subject = Subject(project_id="default", trace_id=OWN)
        create_comment(subject, "between us", Author(name="Ada"))


def share(client: FlaskClient, path: str = TRACE, **form: str) -> str:
    """Create a link on the page, and return its path."""
    page = parse(post_form(client, f"{path}/shares", 200, **form).text)
    return urlsplit(page.one(id="made").text).path


def get(client: FlaskClient, path: str, status: int = 200, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, (path, answer.text)
    return answer.text


def test_the_link_shows_its_trace_to_anyone_who_has_it(app: Flask, client: FlaskClient) -> None:
    link = share(client)
    stranger = app.test_client()
    answer = stranger.get(link, follow_redirects=True)
    assert answer.status_code == 200
    assert "resolve_ticket" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert parse(answer.text).one("meta", name="robots")["content"] == "noindex, nofollow"
    assert "Set-Cookie" not in answer.headers
    for page in PAGES:
        get(stranger, f"{link}traces/{OWN}{page}", **FRAGMENT)


def test_all_links_of_a_shared_page_stay_within_the_share(client: FlaskClient) -> None:
    checked = 0
    for link in (share(client), share(client, "/project/default/sessions/chat_91c2")):
        tabs = ("io", "scores")
        paths = [f"{link}traces/{OWN}{page}" for page in PAGES]
        paths += [f"{link}traces/{OWN}?span=root&tab={tab}" for tab in tabs]
        paths += [link] if "/sessions" in link else []
        for path in paths:
            page = parse(get(client, path))
            addresses = [
                element.attributes[name]
                for element in page
                for name in ("href", "src", "action", "hx-get", "hx-post")
                if name in element.attributes
            ]
            for address in addresses:
                assert address.startswith(("?", "#", link, "/static/", "data:")), (path, address)
                checked += 1
            assert not page.all("form"), path
    assert checked > 100


def test_a_shared_page_shows_neither_user_nor_session_nor_comments(client: FlaskClient) -> None:
    link = share(client)
    for page in (*PAGES, "?tab=scores"):
        text = get(client, f"{link}traces/{OWN}{page}")
        for hidden in ("chat_91c2", "user-417", "between us", "Ada"):
            assert hidden not in text, (page, hidden)
    get(client, f"{link}traces/{OWN}?tab=comments", 404)
    for pointer in ("", "/user_id", "/session_id", "/project_id", "/inputs"):
        get(client, f"{link}traces/{OWN}/value?at={pointer}", 404)
    chosen = share(client, comments="1")
    assert "between us" in get(client, f"{chosen}traces/{OWN}?tab=comments")


def rules(app: Flask) -> list[Any]:
    return [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("static")]


def test_no_shared_route_shows_another_trace(app: Flask, client: FlaskClient) -> None:
    link = share(client)
    token = link.strip("/").rpartition("/")[2]
    requests = 0
    ids = (OWN, OTHER, "foreign", f"{SECRET}-span", "chat_91c2", token)
    for rule in rules(app):
        if "GET" not in rule.methods or not rule.rule.startswith("/share/"):
            continue
        names = sorted(rule.arguments - {"token"})
        for values in itertools.product(ids, repeat=len(names)):
            with app.test_request_context():
                path = app.url_map.bind("localhost").build(
                    rule.endpoint, {"token": token, **dict(zip(names, values, strict=True))}
                )
            asking = ("id", "span", "parent", "open", "after", "at")
            for name, value in itertools.product(asking, (OTHER, f"{SECRET}-span")):
                answer = client.get(path, query_string={name: value, "t": "0-1-d"})
                assert answer.status_code in (200, 302, 400, 404), answer.text
                # The requested id may be repeated; nothing else of it may be shown.
                shown = answer.text.replace(f"{SECRET}-span", "")
                assert SECRET not in shown, (path, name, value)
                if names and values[0] != OWN:
                    assert answer.status_code == 404
                requests += 1
    assert requests > 250


# The same for everyone; of a trace they contain only the URL of its page.
OPEN = (
    *("/", "/healthz", "/reader", "/api/public/health", "/api/public/ready"),
    "/trace/<id:trace_id>",
)


def test_the_token_of_a_share_opens_only_its_own_routes(
    make_app: Any, config: Config, client: FlaskClient
) -> None:
    import dataclasses

    token = share(client).strip("/").rpartition("/")[2]
    public = make_app(dataclasses.replace(config, host="192.0.2.1", allowed_hosts="localhost"))
    ways = [{"Authorization": f"Bearer {token}"}, {"Cookie": f"tracer_reader={token}"}]
    values = {"project_id": token, "trace_id": OWN, "session_id": "chat_91c2", "span_id": "root"}
    values |= {"version": "1", "number": "1"}
    tried = 0
    for rule in rules(public):
        is_open = any(right_of(method, rule.rule) is Right.OPEN for method in rule.methods)
        if is_open or rule.rule in OPEN:
            continue
        filled = {name: values.get(name, token) for name in rule.arguments}
        with public.test_request_context():
            path = public.url_map.bind("localhost").build(rule.endpoint, filled)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            for headers in ways:
                # Neither as a key, nor as a cookie, nor as the id of a project.
                answer = public.test_client().open(
                    path, method=method, headers=SAME_ORIGIN | headers
                )
                refused = answer.status_code in (401, 404) or answer.location == "/first-owner"
                assert refused, (method, path, answer.status_code)
                tried += 1
    assert tried > 60


def test_a_shared_session_shows_its_traces_and_no_others(client: FlaskClient) -> None:
    link = share(client, "/project/default/sessions/chat_91c2")
    page = get(client, link)
    assert "resolve_ticket" in page
    assert OTHER in page
    get(client, f"{link}traces/{OTHER}")
    get(client, f"{link}traces/foreign", 404)
    get(client, f"{link}traces/nope", 404)


@pytest.mark.usefixtures("app")
def test_a_revoked_link_stops_at_once(client: FlaskClient) -> None:
    link, left = share(client), share(client)
    get(client, f"{link}traces/{OWN}")
    page = parse(get(client, f"{TRACE}/shares"))
    revoke = [form for form in page.all("form") if "/shares/" in form.attributes.get("action", "")]
    assert len(revoke) == 2
    token = link.strip("/").rpartition("/")[2]
    hint = next(row for row in page.one("tbody").all("tr") if token[-4:] in row.text)
    post_form(client, hint.one("form")["action"])
    for path in (link, *(f"{link}traces/{OWN}{page}" for page in PAGES)):
        get(client, path, 404)
    get(client, f"{left}traces/{OWN}")


def test_an_expired_link_or_one_of_a_deleted_trace_stops_at_once(
    app: Flask, client: FlaskClient
) -> None:
    link, lasting = share(client, lasts="24h"), share(client)
    with app.app_context():
        db.session.execute(text("UPDATE shares SET expires_at = now() + interval '1 hour'"))
        db.session.commit()
        get(client, f"{link}traces/{OWN}")
        db.session.execute(text("UPDATE shares SET expires_at = now() WHERE true"))
        db.session.commit()
        get(client, f"{link}traces/{OWN}", 404)
        db.session.execute(text("UPDATE shares SET expires_at = NULL"))
        db.session.commit()
        get(client, f"{lasting}traces/{OWN}")
        delete_trace("default", OWN)
    get(client, f"{lasting}traces/{OWN}", 404)
    get(client, "/share/nonsense/", 404)


WHO_AND_WHERE = "planted-"
FIELDS_TO_PLANT = {
    "metadata": {"host": f"{WHO_AND_WHERE}metadata"},
    "attributes": {"process.command_args": f"{WHO_AND_WHERE}attributes"},
    "resource": {"host.name": f"{WHO_AND_WHERE}resource"},
    "scope": {"name": f"{WHO_AND_WHERE}scope"},
    "events": [{"name": "e", "attributes": {"user.id": f"{WHO_AND_WHERE}events"}}],
    "links": [{"trace_id": f"{WHO_AND_WHERE}links", "span_id": "x"}],
    "model_parameters": {"user": f"{WHO_AND_WHERE}parameters"},
    "requested_model": f"{WHO_AND_WHERE}requested",
    "prompt_name": f"{WHO_AND_WHERE}prompt",
    "provider": f"{WHO_AND_WHERE}provider",
}
TABS = ("", "io", "metadata", "events", "scores", "comments", "mapping", "raw", "other")


def planted_trace() -> TraceBuilder:
    """A trace with a mark in every field that a share link must not show."""
    trace = {
        name: f"{WHO_AND_WHERE}{name}"
        for name in ("user_id", "session_id", "environment", "release", "version")
    }
    marked = {"origin": f"{WHO_AND_WHERE}trace-metadata"}
    builder = TraceBuilder("planted", name="shown", metadata=marked, **trace)
    return builder.span("s", None, input="asked", output="answered", **FIELDS_TO_PLANT)


def test_a_shared_page_shows_nothing_of_who_and_where(
    client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(planted_trace())
    link = share(client, "/project/default/traces/planted") + "traces/planted"
    pointers = ["", "/", *(f"/{name}" for name in [*FIELDS_TO_PLANT, "user_id", "session_id"])]
    pointers += ["/inputs", "/input/../metadata", "/metadata/host", "/resource/host.name"]
    ids = ("", "s")
    paths = [f"{link}{page}" for page in ("/spans?t=0-1-d", "/value?id=s&at=/input")]
    paths += [f"{link}/value?id={span}&at={pointer}" for span in ids for pointer in pointers]
    paths += [f"{link}?span={span}&tab={tab}&raw=1" for span in ids for tab in TABS]
    paths += [f"{link}/span?id={span}&tab={tab}" for span in ids for tab in TABS]
    answers = [client.get(path, headers=headers) for path in paths for headers in ({}, FRAGMENT)]
    assert {answer.status_code for answer in answers} == {200, 404}
    assert sum("answered" in answer.text for answer in answers) > 4
    leaks = [answer.request.url for answer in answers if WHO_AND_WHERE in answer.text]
    leaks += [answer.request.url for answer in answers if WHO_AND_WHERE in str(answer.headers)]
    assert leaks == []
