"""The OpenAPI document of the Langfuse-compatible API: it names every route and is correct."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.openapi import check_operations, described_operations, served_operations

PATH = "/api/public/openapi.json"
# A health check needs no key, OTLP is a protocol of its own, and the URL of a file's content is
# given out by the server.
NOT_DESCRIBED = (
    *("/api/public/health", "/api/public/ready", "/api/public/otel/"),
    "/api/public/media/content/",
)


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get(PATH).get_json()


def test_the_document_names_exactly_the_routes_that_are_served(app: Flask, document: Any) -> None:
    served = served_operations(app, "/api/public")
    not_described = {(path, m) for path, m in served if path.startswith(NOT_DESCRIBED)}
    assert served - not_described == described_operations(document)
    assert all(any(path.startswith(p) for path, _ in not_described) for p in NOT_DESCRIBED)
    assert len(served) > 60


def test_every_reference_leads_somewhere(document: Any) -> None:
    referenced = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert referenced <= set(document["components"]["schemas"])
    assert {"Observation", "Score", "Comment"} <= referenced


def test_operation_ids_are_unique(document: Any) -> None:
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids)) == len(described_operations(document))


def test_no_request_makes_the_server_fail_or_contradict_its_document(
    app: Flask, document: Any
) -> None:
    checked = check_operations(app, PATH, examples=2)
    # The document itself is not among them.
    assert set(checked) == described_operations(document) - {(PATH, "GET")}
    assert min(checked.values()) >= 1
    assert sum(checked.values()) > 80


@pytest.mark.slow
def test_no_request_of_many_makes_the_server_fail_or_contradict_its_document(app: Flask) -> None:
    assert sum(check_operations(app, PATH, examples=300).values()) > 5_000


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "organizations/projects"),
        ("GET", "organizations/apiKeys"),
        ("PUT", "organizations/memberships"),
        ("POST", "projects"),
        ("PUT", "projects/p"),
        ("GET", "projects/p/apiKeys"),
        ("DELETE", "projects/p/apiKeys/k"),
        ("GET", "scim/Users"),
        ("GET", "scim/Users/u"),
        ("GET", "scim/ServiceProviderConfig"),
        ("GET", "integrations/blob-storage"),
        ("DELETE", "integrations/blob-storage/i"),
        ("GET", "skills"),
        ("PATCH", "skills/review/versions/2"),
        ("PUT", "llm-connections"),
        ("POST", "v2/evaluators"),
        ("GET", "v2/evaluators/e/versions"),
        ("PATCH", "v2/evaluation-rules/r"),
        ("GET", "unstable/dashboards"),
        ("GET", "unstable/skills/s/versions/1"),
        ("POST", "feedback"),
        ("POST", "agent/runs"),
        ("POST", "mcp"),
        ("GET", "memberships"),
        ("GET", "v2/skills"),
    ],
)
def test_a_route_that_is_not_served_names_what_to_use(
    client: FlaskClient, method: str, path: str
) -> None:
    response = client.open(f"/api/public/{path}", method=method, json={})
    assert response.status_code == 404
    error = response.get_json()
    assert error["error"] == "LangfuseNotFoundError"
    assert "is not served here: " in error["message"]


@pytest.mark.parametrize(
    ("path", "instead"),
    [
        ("organizations/memberships", "`tracer members`"),
        ("projects/p/memberships", "`tracer members`"),
        ("projects/p/apiKeys", "`tracer keys`"),
        ("organizations/llm-connections", "calls no models"),
        ("unstable/dashboards/d/placements", "/api/v1/dashboards"),
        ("unstable/dashboard-widgets", "/api/v1/dashboards"),
        ("unstable/evaluators", "send scores"),
    ],
)
def test_what_to_use_instead_fits_the_route(client: FlaskClient, path: str, instead: str) -> None:
    assert instead in client.get(f"/api/public/{path}").get_json()["message"]


def test_an_unknown_route_and_a_wrong_method_are_what_they_are(client: FlaskClient) -> None:
    assert "is not served" not in client.get("/api/public/odd").text
    assert client.get("/api/public/projects").status_code == 200
    assert client.patch("/api/public/traces").status_code == 405
