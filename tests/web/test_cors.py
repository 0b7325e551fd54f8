"""Browser applications may send OTLP only from origins of the key's project, and only write."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.origins import set_origins
from tracer.store.projects.projects import create_project

ORIGIN = "https://app.example.com"
SPAN = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "startTimeUnixNano": "1767225600000000000",
}
BODY = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}


@pytest.fixture
def secrets(app: Flask) -> dict[str, str]:
    """Secrets by the kind of key; `other` is a key of a project without the origin."""
    with app.app_context(), transaction():
        set_origins("default", [ORIGIN])
        create_project("other", "Other")
        made = {kind: create_key("default", kind, kind)[1] for kind in ("write", "all", "read")}
        return made | {"other": create_key("other", "k", "write")[1]}


def preflight(client: FlaskClient, path: str, origin: str) -> str | None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options(path, headers=headers).headers.get("Access-Control-Allow-Origin")


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/api/public/otel/v1/traces"])
def test_a_preflight_is_answered_for_an_origin_of_any_project(
    client: FlaskClient, path: str
) -> None:
    assert preflight(client, path, ORIGIN) == ORIGIN
    assert preflight(client, path, "https://evil.example") is None
    assert preflight(client, path, "null") is None


@pytest.mark.usefixtures("secrets")
def test_no_other_api_answers_a_preflight(client: FlaskClient) -> None:
    assert preflight(client, "/api/v1/traces", ORIGIN) is None
    assert preflight(client, "/project/default/traces", ORIGIN) is None


@pytest.mark.parametrize(
    ("kind", "status", "allowed"),
    [("write", 200, ORIGIN), ("all", 200, None), ("other", 200, None), ("read", 403, None)],
)
def test_only_a_key_that_writes_gets_an_answer_that_the_page_can_read(
    client: FlaskClient, secrets: dict[str, str], kind: str, status: int, allowed: str | None
) -> None:
    headers = {"Origin": ORIGIN, "Authorization": f"Bearer {secrets[kind]}"}
    answer = client.post("/v1/traces", json=BODY, headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_server_without_origins_allows_none(client: FlaskClient) -> None:
    assert preflight(client, "/v1/traces", ORIGIN) is None
