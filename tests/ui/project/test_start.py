"""The page of an empty project: how to send the first trace, and its arrival."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from tests.support.access.members import log_in, make_member
from tests.support.pages.dom import parse
from tests.support.pages.requests import FRAGMENT, GetPage, StoreTraces
from tests.support.pages.sample_traces import agent_trace
from tracer.config import Config
from tracer.store.database.session import transaction
from tracer.store.projects.projects import create_project


def test_an_empty_project_shows_the_url_of_the_request(client: FlaskClient) -> None:
    answer = client.get("/project/default/traces", base_url="http://localhost:4318")
    shown = parse(answer.text)
    assert shown.one("code", id="endpoint").text == "http://localhost:4318"
    command = shown.one(id="curl").text
    assert command.startswith("curl http://localhost:4318/api/v1/batch --json ")


def test_where_logins_are_needed_the_page_names_the_key_in_every_command(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    app = make_app(dataclasses.replace(config, login="always", url_prefix="/tracer"))
    make_member(app, "ada", "owner")
    client = app.test_client()
    log_in(client, "ada")
    shown = parse(client.get("/tracer/project/default/traces").text)
    assert "no key is needed" not in shown.text
    assert shown.one("code", id="endpoint").text == "http://localhost/tracer"
    assert '--oauth2-bearer "$TRACER_KEY"' in shown.one(id="curl").text
    assert "Authorization=Bearer%20$TRACER_KEY" in shown.one(id="otel").text


def test_the_printed_program_has_six_statements(get_page: GetPage) -> None:
    program = get_page("/traces").one(id="python")
    source = "".join(program._texts())
    assert len(ast.parse(source).body) == 6


def test_the_sdk_needs_two_lines_before_the_application_begins(get_page: GetPage) -> None:
    program = get_page("/traces").one(id="sdk")
    source = "".join(program._texts())
    assert [type(part).__name__ for part in ast.parse(source).body[:3]] == [
        "Import",
        "Expr",
        "FunctionDef",
    ]


def test_the_page_polls_until_a_trace_has_arrived(
    client: FlaskClient, get_page: GetPage, store_traces: StoreTraces
) -> None:
    waiting = get_page("/traces").one("div", "wait")
    assert waiting["hx-trigger"] == "every 2s"
    assert client.get(waiting["hx-get"], headers=FRAGMENT).status_code == 204
    store_traces(agent_trace())
    assert client.get(waiting["hx-get"], headers=FRAGMENT).headers["HX-Refresh"] == "true"
    assert get_page("/traces").one("table", "list")


def test_without_scripts_the_page_reloads_itself(get_page: GetPage) -> None:
    refresh = get_page("/traces").one("noscript").one("meta")
    assert (refresh["http-equiv"], refresh["content"]) == ("refresh", "3")


def test_the_page_prints_a_line_for_opentelemetry_and_one_for_langfuse(
    client: FlaskClient,
) -> None:
    answer = client.get("/project/default/traces", base_url="http://localhost:4000")
    shown = parse(answer.text)
    assert shown.one(id="otel").text == "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4000"
    assert shown.one(id="langfuse").text == "LANGFUSE_BASE_URL=http://localhost:4000"


def test_another_project_than_the_default_needs_a_key(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
    shown = parse(client.get("/project/other/traces").text)
    assert "in TRACER_KEY, or its data goes to the project default" in shown.one("main").text
    assert "$TRACER_KEY" in shown.one(id="curl").text
    assert "$TRACER_KEY" in shown.one(id="otel").text
    assert "no key is needed" not in shown.one("main").text
