"""The OpenAPI document: it names every route, and the server behaves as it describes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.openapi import check_operations, described_operations, served_operations

PATH = "/api/v1/openapi.json"


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get(PATH).get_json()


def test_the_document_names_exactly_the_routes_that_are_served(app: Flask, document: Any):
    served = served_operations(app, "/api/v1")
    assert served == described_operations(document)
    assert len(served) > 15


def test_every_operation_describes_its_errors(document: Any):
    operations = [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    assert len(operations) > 15
    for method, path, operation in operations:
        assert {"200", "201", "202"} & set(operation["responses"]), (method, path)
        assert "401" in operation["responses"], (method, path)
        for status, response in operation["responses"].items():
            expected = "application/problem+json" if status >= "400" else "application/json"
            if path.endswith("/audit") and status == "200":
                expected = "application/x-ndjson"
            assert expected in response["content"], (method, path, status)
            # A file comes in the format that was asked for.
            file = path.endswith(("/export", "/exports/{job_id}")) and status == "200"
            assert file or len(response["content"]) == 1, (method, path, status)


def test_every_reference_leads_somewhere(document: Any):
    schemas = document["components"]["schemas"]
    referenced = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert referenced <= set(schemas)
    assert {"Trace", "Span", "Score", "Session", "SpanCreate", "Problem"} <= referenced


def test_operation_ids_are_unique(document: Any):
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids)) == len(described_operations(document))


def test_no_request_makes_the_server_fail_or_contradict_its_document(app: Flask, document: Any):
    checked = check_operations(app, PATH, examples=8)
    # The document itself is not among them.
    assert set(checked) == described_operations(document) - {(PATH, "GET")}
    assert min(checked.values()) >= 1
    assert sum(checked.values()) > 200


@pytest.mark.slow
def test_no_request_of_many_makes_the_server_fail_or_contradict_its_document(app: Flask):
    assert sum(check_operations(app, PATH, examples=300).values()) > 5000
