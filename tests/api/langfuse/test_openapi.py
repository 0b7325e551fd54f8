"""The OpenAPI document of the Langfuse-compatible API: it names every route and tells the truth."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.api.test_openapi import CHECKS, METHODS, can_be_wrong

# A health check answers anybody, OTLP is told in a protocol of its own, and the address of a file's
# content is given out by the server.
ELSEWHERE = (
    *("/api/public/health", "/api/public/ready", "/api/public/otel/"),
    "/api/public/media/content/",
)


def test_the_document_names_exactly_the_routes_that_are_served(
    app: Flask, client: FlaskClient
) -> None:
    document = client.get("/api/public/openapi.json").get_json()
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
        if rule.rule.startswith("/api/public") and not rule.rule.startswith(ELSEWHERE)
    }
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item
    }
    assert served == described
    found = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert found <= set(document["components"]["schemas"])
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def _judge(app: Flask, examples: int) -> int:
    schema = schemathesis.openapi.from_wsgi("/api/public/openapi.json", app)
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


def test_no_request_makes_the_server_fail_or_break_its_word(app: Flask) -> None:
    assert _judge(app, examples=2) > 80


@pytest.mark.slow
def test_no_request_of_many_makes_the_server_fail_or_break_its_word(app: Flask) -> None:
    assert _judge(app, examples=200) > 5_000
