"""The OpenAPI document: it names every route, and the server behaves as it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/api/v1/openapi.json").get_json()


def test_the_document_names_exactly_the_routes_that_are_served(app: Flask, document: Any):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
        if rule.rule.startswith("/api/v1")
    }
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item
    }
    assert served == described
    assert len(served) > 15


def test_every_operation_says_how_it_is_refused(document: Any):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert "401" in operation["responses"], (method, path)
            for status, response in operation["responses"].items():
                expected = "application/problem+json" if status >= "400" else "application/json"
                # A file comes in the format that was asked for.
                file = path.endswith("/export") and status == "200"
                assert expected in response["content"]
                assert file or len(response["content"]) == 1


def test_every_reference_leads_somewhere(document: Any):
    schemas = document["components"]["schemas"]
    found = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert found <= set(schemas)
    assert {"Trace", "Span", "Score", "Session", "SpanCreate", "Problem"} <= found


def test_operation_ids_are_unique(document: Any):
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def _judge(app: Flask, examples: int) -> int:
    """Send what the document allows and what it doesn't; return how many answers were judged."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    judged = 0
    for result in schema.get_all_operations():
        for mode in GenerationMode:
            if mode.is_negative and not can_be_wrong(result.ok()):
                continue

            @settings(
                max_examples=examples,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=result.ok().as_strategy(generation_mode=mode))
            def judge(case: Any) -> None:
                nonlocal judged
                case.call_and_validate(checks=CHECKS)
                judged += 1

            judge()
    return judged


def can_be_wrong(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


def test_no_request_makes_the_server_fail_or_break_its_word(app: Flask):
    assert _judge(app, examples=8) > 200


@pytest.mark.slow
def test_no_request_of_many_makes_the_server_fail_or_break_its_word(app: Flask):
    assert _judge(app, examples=300) > 5000
