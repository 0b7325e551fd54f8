"""Requests drawn from an OpenAPI document, and checks of the responses to them."""

from __future__ import annotations

import re
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
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


def described_operations(document: Any) -> set[tuple[str, str]]:
    """Return the path and method of each operation in the document."""
    return {(path, method.upper()) for path, item in document["paths"].items() for method in item}


def described_names(document: Any) -> dict[tuple[str, str], frozenset[str]]:
    """Return the names of the parameters and of the body's fields, by path and method."""

    def fields(schema: Any) -> set[str]:
        if "$ref" in schema:
            return fields(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        parts = [part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word, ())]
        return set(schema.get("properties", ())).union(*map(fields, parts))

    names: dict[tuple[str, str], frozenset[str]] = {}
    for path, method in described_operations(document):
        operation = document["paths"][path][method.lower()]
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("schema", {})
        parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
        names[path, method] = frozenset(parameters | fields(body))
    return names


def served_operations(app: Flask, prefix: str) -> set[tuple[str, str]]:
    """Return the path, as OpenAPI writes it, and method of each route under the prefix."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & METHODS
        if rule.rule.startswith(prefix)
    }


def check_operations(app: Flask, path: str, examples: int) -> dict[tuple[str, str], int]:
    """Send what the document at ``path`` allows, and what it doesn't, to every operation.

    Return how many answers of each operation were checked.
    """
    schema = schemathesis.openapi.from_wsgi(path, app)
    checked: dict[tuple[str, str], int] = {}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        for mode in GenerationMode:
            if mode.is_positive or _can_be_wrong(operation):
                key = (operation.path, operation.method.upper())
                checked[key] = checked.get(key, 0) + _check(operation, mode, examples)
    return checked


def _can_be_wrong(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


def _check(operation: Any, mode: GenerationMode, examples: int) -> int:
    checked = 0

    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        nonlocal checked
        case.call_and_validate(checks=CHECKS)
        checked += 1

    check()
    return checked
