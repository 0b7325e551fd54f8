"""An empty project: how to send the first trace, and what happens when it comes."""

from __future__ import annotations

import ast

from flask.testing import FlaskClient

from tests.support.pages.dom import parse
from tests.support.pages.stories import agent
from tests.ui.conftest import FRAGMENT, Page, Tell


def test_an_empty_project_shows_the_address_it_was_asked_under(client: FlaskClient) -> None:
    answer = client.get("/project/default/traces", base_url="http://localhost:4318")
    shown = parse(answer.text)
    assert shown.one("code", id="endpoint").text == "http://localhost:4318"
    assert shown.one(id="curl").text == (
        'curl http://localhost:4318/api/v1/traces --json \'{"name": "hello", "input": "Hi"}\''
    )


def test_the_printed_program_has_six_statements(page: Page) -> None:
    program = page("/traces").one(id="python")
    source = "".join(program._texts())
    assert len(ast.parse(source).body) == 6


def test_the_sdk_needs_two_lines_before_the_application_begins(page: Page) -> None:
    program = page("/traces").one(id="sdk")
    source = "".join(program._texts())
    assert [type(part).__name__ for part in ast.parse(source).body[:3]] == [
        "Import",
        "Expr",
        "FunctionDef",
    ]


def test_the_page_asks_again_until_something_came(
    client: FlaskClient, page: Page, tell: Tell
) -> None:
    waiting = page("/traces").one("div", "wait")
    assert waiting["hx-trigger"] == "every 2s"
    assert client.get(waiting["hx-get"], headers=FRAGMENT).status_code == 204
    tell(agent())
    assert client.get(waiting["hx-get"], headers=FRAGMENT).headers["HX-Refresh"] == "true"
    assert page("/traces").one("table", "list")


def test_without_scripts_the_page_reloads_itself(page: Page) -> None:
    refresh = page("/traces").one("noscript").one("meta")
    assert (refresh["http-equiv"], refresh["content"]) == ("refresh", "3")
