"""The settings: a project's name and sizes, keys, all projects, and the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import agent_trace
from tracer.config import Config
from tracer.store.database.session import transaction
from tracer.store.projects.keys import authenticate, create_key, list_keys
from tracer.store.projects.projects import create_project, get_project
from tracer.store.projects.sizes import STORAGE_KINDS, storage

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
BASE = "/project/default/settings"


def post(client: FlaskClient, path: str, status: int, **form: str) -> Element:
    answer = client.post(path, data=form, headers=SAME_ORIGIN)
    assert answer.status_code == status, answer.text
    return parse("" if status == 303 else answer.text)


@pytest.mark.parametrize("path", ["", "/keys", "/projects", "/server"])
def test_each_place_is_marked_in_the_list_of_places(get_page: GetPage, path: str) -> None:
    places = get_page(f"/settings{path}").one("nav", "places")
    [current] = places.all("a", aria_current="page")
    assert current["href"] == f"{BASE}{path}"
    assert len(places.all("a")) == 10


def test_prices_and_mapping_are_places_too(get_page: GetPage) -> None:
    for path, name in (("/prices", "Prices"), ("/mapping", "Attribute mapping")):
        [current] = get_page(path).one("nav", "places").all("a", aria_current="page")
        assert current.text == name


def test_a_project_is_renamed_and_its_id_stays(app: Flask, client: FlaskClient) -> None:
    post(client, BASE, 303, name="Support agents")
    with app.app_context():
        project = get_project("default")
    assert project is not None
    assert project.name == "Support agents"
    assert "Support agents" in client.get(BASE).text
    post(client, BASE, 422, name=" ")
    post(client, BASE, 422, name="x" * 101)


def test_the_size_adds_up_over_the_environments(
    get_page: GetPage, store_traces: StoreTraces
) -> None:
    assert "No trace started" in get_page("/settings").one("main").text
    store_traces(
        agent_trace(environment="production"), agent_trace("b" * 32, environment="staging")
    )
    page = get_page("/settings")
    rows = [row.all("td") for row in page.one("table").one("tbody").all("tr")]
    assert {row[0].text: row[1].text for row in rows} == {"production": "1", "staging": "1"}
    spans = sum(int(row[4].text.replace(",", "")) for row in rows)
    assert f"Spans{spans:,}" in page.one("dl", "figures").text


def test_a_key_is_made_shown_once_and_opens_the_project(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
    answer = client.post("/project/other/settings/keys", data={"name": "ci"}, headers=SAME_ORIGIN)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    page = parse(answer.text)
    secret, public = page.one(id="secret").text, page.one(id="public").text
    for snippet in ("otel", "langfuse", "sdk"):
        assert secret in page.one(id=snippet).text
    assert public in page.one(id="langfuse").text
    with app.app_context():
        key = authenticate(public, secret)
    assert key is not None
    assert key.project_id == "other"
    assert secret not in client.get("/project/other/settings/keys").text


def test_the_lines_of_a_new_key_let_a_client_send(client: FlaskClient) -> None:
    page = post(client, f"{BASE}/keys", 201, name="ci")
    [_, headers] = "".join(page.one(id="otel")._texts()).split()
    name, _, value = headers.removeprefix("OTEL_EXPORTER_OTLP_HEADERS=").partition("=")
    sent = client.post(
        "/v1/traces", json={"resourceSpans": []}, headers={name: value.replace("%20", " ")}
    )
    assert sent.status_code == 200


def test_a_key_is_revoked_by_its_own_project_only(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
        key, secret = create_key("other", "ci")
    path = f"settings/keys/{key.key_id}/revoke"
    post(client, f"/project/default/{path}", 404)
    with app.app_context():
        assert authenticate(None, secret) is not None
    shown = parse(client.get("/project/other/settings/keys").text)
    [form] = shown.all("form", "ask")
    post(client, form["action"], 303)
    with app.app_context():
        assert authenticate(None, secret) is None
        assert [row.revoked_at is None for row in list_keys("other")] == [False]
    assert "1 revoked" in client.get("/project/other/settings/keys").text
    post(client, f"/project/other/{path}", 404)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_key_needs_a_name(client: FlaskClient, name: str) -> None:
    post(client, f"{BASE}/keys", 422, name=name)


@pytest.mark.usefixtures("app")
def test_a_project_is_made_on_a_page(client: FlaskClient) -> None:
    answer = client.post(
        f"{BASE}/projects", data={"id": "acme", "name": "Acme"}, headers=SAME_ORIGIN
    )
    assert (answer.status_code, answer.location) == (303, "/project/acme/settings/keys")
    assert client.get(answer.location).status_code == 200
    names = [row.text for row in parse(client.get(f"{BASE}/projects").text).one("tbody").all("tr")]
    assert any(name.startswith("Acme") for name in names)
    assert "exists already" in post(client, f"{BASE}/projects", 422, id="acme").text


@pytest.mark.parametrize("new_id", ["", "a/b", "a b", ".", "..", "x" * 101, "a%2Fb"])
def test_a_project_whose_id_no_address_can_hold_is_refused(
    client: FlaskClient, new_id: str
) -> None:
    post(client, f"{BASE}/projects", 422, id=new_id)


@pytest.mark.parametrize("path", ["", "/keys", "/projects"])
def test_a_form_of_another_site_changes_nothing(client: FlaskClient, path: str) -> None:
    answer = client.post(
        f"{BASE}{path}", data={"name": "x", "id": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_the_server_page_shows_settings_without_secrets(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    url = config.database_url.replace("tracer@", "tracer:hunter2@")
    app = make_app(
        replace(config, database_url=url, threads=7, init_project_secret_key="sk-hunter2")
    )
    page = parse(app.test_client().get(f"{BASE}/server").text)
    rows = {row.all("td")[0].text: row for row in page.one("tbody").all("tr")}
    assert [cell.text for cell in rows["TRACER_THREADS"].all("td")[1:]] == ["7", "set"]
    assert rows["TRACER_WORKERS"].all("td")[2].text == "default"
    assert rows["TRACER_INIT_PROJECT_SECRET_KEY"].all("td")[1].text == "***"
    assert "hunter2" not in page.text


@pytest.mark.usefixtures("project")
def test_the_parts_of_the_database_add_up(get_page: GetPage) -> None:
    parts = storage()
    assert tuple(parts) == STORAGE_KINDS
    assert parts["spans and traces"] > 0
    assert parts["indexes"] > 0
    shown = get_page("/settings/server").one("p", "key").text
    assert all(name in shown for name, size in parts.items() if size)
