"""The OpenAPI 3.1 document, generated from the routes and the Structs of requests and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
from flask import Blueprint, Response, current_app
from werkzeug.routing import Rule

import tracer
from tracer.web.operations import Operation, describe, operation_of, set_up
from tracer.web.problems import PROBLEM_TYPE, Problem

PREFIX: Final = "/api/v1"
_REF: Final = "#/components/schemas/{name}"
_VARIABLE: Final = re.compile(r"<(?:\w+:)?(\w+)>")

bp = Blueprint("openapi", __name__, url_prefix=PREFIX)
set_up(bp)


class Document(msgspec.Struct, kw_only=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    security: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]


@bp.get("/openapi.json")
@describe(Operation(summary="Read this document", answers={200: Document}, problems=(401,)))
def read_document() -> Response:
    """Return the document of the routes that this server serves."""
    return Response(msgspec.json.encode(document()), content_type="application/json")


class Api(NamedTuple):
    """One API of the server: the routes below a prefix, and the format of its errors."""

    prefix: str
    title: str
    refusal: type[msgspec.Struct]
    refusal_type: str


NATIVE: Final = Api(f"{PREFIX}/", "Tracer", Problem, PROBLEM_TYPE)


def document(api: Api = NATIVE) -> Document:
    """Return the document of all routes of an API of the current app."""
    routes = list(_routes(api))
    schemas = _schemas(api, [operation for _, _, operation in routes])
    queries = {operation.query.__name__ for _, _, operation in routes if operation.query}
    paths: dict[str, Any] = {}
    for rule, method, operation in routes:
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(api, rule, operation, schemas)
    return Document(
        openapi="3.1.0",
        info={"title": api.title, "version": tracer.__version__, "summary": "LLM traces"},
        servers=[{"url": "/"}],
        security=[{}, {"basic": []}, {"bearer": []}],
        paths=paths,
        components={
            "schemas": {name: s for name, s in schemas.items() if name not in queries},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "public key : secret"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "the secret"},
            },
        },
    )


def _routes(api: Api) -> Iterator[tuple[Rule, str, Operation]]:
    # Sorted, so that builds of the document differ only where the API does.
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = operation_of(current_app.view_functions[rule.endpoint])
        if operation is not None and rule.rule.startswith(api.prefix):
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield from ((rule, method, operation) for method in sorted(methods))


def _schemas(api: Api, operations: list[Operation]) -> dict[str, Any]:
    kinds: list[type] = [api.refusal]
    for operation in operations:
        kinds += [kind for kind in (operation.body, operation.query) if kind is not None]
        kinds += operation.answers.values()
    _, schemas = msgspec.json.schema_components(dict.fromkeys(kinds), ref_template=_REF)
    return {name: _with_numbers(schema) for name, schema in schemas.items()}


def _with_numbers(schema: Any) -> Any:
    """Return the schema with decimals as numbers, which is how answers encode them."""
    if isinstance(schema, list):
        return [_with_numbers(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        rest = {name: part for name, part in schema.items() if name != "format"}
        return {**rest, "type": "number"}
    return {name: _with_numbers(part) for name, part in schema.items()}


def _operation(
    api: Api, rule: Rule, operation: Operation, schemas: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "summary": operation.summary,
        "parameters": _parameters(rule, operation, schemas),
        "responses": {
            str(status): _response(status, _content("application/json", kind))
            for status, kind in operation.answers.items()
        },
    }
    for status in operation.empty:
        described["responses"][str(status)] = {"description": HTTPStatus(status).phrase}
    if operation.files:
        contents: dict[str, Any] = {media: {"schema": {}} for media in operation.files}
        described["responses"]["200"] = _response(200, contents)
    # Ids that can't be in a path would match no route, or another one.
    statuses = {*operation.problems, 404, 405} if rule.arguments else operation.problems
    for status in sorted(statuses):
        content = _content(api.refusal_type, api.refusal)
        described["responses"][str(status)] = _response(status, content)
    if operation.body is not None:
        content = _content("application/json", operation.body)
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(rule: Rule, operation: Operation, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "maxLength": 800}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in _VARIABLE.findall(rule.rule)
    ]
    if operation.query is not None:
        described = schemas[operation.query.__name__]
        required = described.get("required", [])
        parameters += [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "schema": _without_null(schema),
            }
            for name, schema in described["properties"].items()
        ]
    return parameters


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without null: an absent parameter is not sent at all."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if "default" in schema and schema["default"] is not None:
        rest["default"] = schema["default"]
    if "enum" in rest:
        rest["enum"] = [option for option in rest["enum"] if option is not None]
    return {**options[0], **rest} if options else rest


def _content(media_type: str, kind: type) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REF.format(name=kind.__name__)}}}


def _response(status: int, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": content}
