"""Saved views: tabs over a list, own or the project's, and who may change them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import client_of, make_member
from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import SAME_ORIGIN, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace

LIST = "/project/default/traces"
VIEWS = "/project/default/views"


@pytest.fixture(autouse=True)
def some_traces(store_traces: StoreTraces) -> None:
    store_traces(agent_trace(), TraceBuilder("b" * 32, name="other").span("r"))


def send(client: FlaskClient, path: str, status: int = 303, **form: str) -> str:
    answer = client.post(path, data=form, headers=SAME_ORIGIN)
    assert answer.status_code == status, answer.text
    return answer.headers.get("Location", "")


def save(client: FlaskClient, name: str, state: str, **form: str) -> str:
    """Save a view; return its permanent link."""
    return send(client, VIEWS, list="trace_list", name=name, state=state, **form)


def tabs(client: FlaskClient, path: str) -> list[str]:
    page = parse(client.get(path, follow_redirects=True).text)
    return [tab.text for tab in page.one("nav", "tabs").all("a")]


def opened(client: FlaskClient, path: str) -> Element:
    return parse(client.get(path, follow_redirects=True).text)


def test_a_view_is_saved_opened_changed_ordered_and_removed(client: FlaskClient) -> None:
    link = save(client, "Other ones", "q=name:other&sort=-cost&columns=name,cost", shared="1")
    save(client, "Mine", "q=name:resolve_ticket")
    assert tabs(client, LIST) == ["All", "Other ones", "Mine"]
    page = opened(client, link)
    assert [a.text for a in page.all("a", "open")] == ["other"]
    assert [th.text.strip(" ↓") for th in page.all("th")] == ["", "Status", "Name", "Cost"]
    assert page.one("nav", "tabs").one("a", aria_current="page").text == "Other ones"
    offered = opened(client, "/project/default/go?to=other")
    assert "View Other ones" in [a.text for a in offered.all("a", "link")]
    view_id = link.rpartition("/")[2]
    changed = opened(client, f"{LIST}?q=name:resolve_ticket&view={view_id}")
    form = changed.one("form", id="edit-view")
    state = form.one("input", name="state")["value"]
    assert "Save what the list shows" in form.text
    send(client, link, action="save", state=state)
    assert [a.text for a in opened(client, link).all("a", "open")] == ["resolve_ticket"]
    save(client, "Third", "q=name:x", shared="1")
    send(client, link, action="right")
    send(client, link, action="rename", name="Renamed", shared="1")
    assert tabs(client, LIST) == ["All", "Third", "Renamed", "Mine"]
    send(client, link, action="remove")
    assert tabs(client, LIST) == ["All", "Third", "Mine"]
    assert client.get(link).status_code == 404


def test_a_list_opens_with_its_default_view_until_all_is_chosen(client: FlaskClient) -> None:
    link = save(client, "Other ones", "q=name:other", shared="1")
    send(client, link, action="default", state="")
    answer = client.get(LIST)
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["q"] == ["name:other"]
    everything = opened(client, LIST).one("nav", "tabs").all("a")[0]["href"]
    assert len(opened(client, everything).all("a", "open")) == 2
    assert len(client.get(f"{LIST}.json").get_json()["data"]) == 2
    send(client, link, action="usual", state="")
    assert client.get(LIST).status_code == 200


def test_others_see_the_projects_views_and_viewers_change_none(app: Flask) -> None:
    people: dict[str, FlaskClient] = {}
    for role in ("owner", "member", "viewer"):
        make_member(app, role, role)
        people[role] = client_of(app, role)
    own = save(people["member"], "Mine", "q=name:x")
    shared = save(people["member"], "Ours", "q=name:other", shared="1")
    assert tabs(people["owner"], LIST) == ["All", "Ours"]
    assert tabs(people["viewer"], LIST) == ["All", "Ours"]
    assert "save-view" not in people["viewer"].get(LIST).text
    send(people["owner"], own, 404, action="remove")
    send(people["viewer"], shared, 403, action="remove")
    send(people["viewer"], VIEWS, 403, list="trace_list", name="n", state="")
    send(people["owner"], shared, action="rename", name="Everyone's", shared="1")
    log = people["owner"].get("/project/default/audit").text
    assert "view.create" in log
    assert "view.rename" in log


@pytest.mark.parametrize(
    ("form", "status"),
    [({"name": " "}, 422), ({"name": "n" * 81}, 422), ({"list": "nothing", "name": "n"}, 404)],
)
def test_what_is_no_view_is_refused(client: FlaskClient, form: dict[str, str], status: int) -> None:
    send(client, VIEWS, status, **{"list": "trace_list", "state": "", **form})
