"""Descriptions of the routes (parameters, bodies, answers), declared at each view, for OpenAPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
from flask import Blueprint, Response, request

from tracer import exact_json
from tracer.errors import Invalid
from tracer.web.problems import register_problems
from tracer.wire.native.requests import check_id
from tracer.wire.reading import invalid_field, read_item

V = TypeVar("V", bound=Callable[..., Any])
Q = TypeVar("Q", bound=msgspec.Struct)

# Costs are decimals, encoded as JSON numbers with all of their digits.
_encoder = exact_json.encoder(decimal_format="number")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The description of one route: types are Structs, `answers` and `problems` are statuses."""

    summary: str
    answers: dict[int, type[msgspec.Struct]]
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    problems: tuple[int, ...] = field(default=())
    empty: tuple[int, ...] = field(default=())
    """Statuses of answers without a body."""
    files: tuple[str, ...] = field(default=())
    """Media types of an answer 200 that is a file instead of a Struct."""


READ_PROBLEMS: Final = (400, 401, 404)
WRITE_PROBLEMS: Final = (400, 401, 413, 415, 422, 429, 503)


def set_up(bp: Blueprint) -> None:
    """Add checks of path ids, and problem documents to the blueprint."""
    bp.before_request(check_path)
    register_problems(bp)


def check_path() -> None:
    """Raise Invalid where a path id has control characters or is too long: no stored id is so."""
    for name, value in (request.view_args or {}).items():
        if not isinstance(value, str):
            continue  # a number, which the router has checked
        try:
            check_id(value, name)
        except ValueError as error:
            raise invalid_field(error) from None


def describe(operation: Operation) -> Callable[[V], V]:
    """Return a decorator that attaches the description of a route to its view."""

    def attach(view: V) -> V:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return attach


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return the description attached to a view; None: it is not a route of the API."""
    operation: Operation | None = getattr(view, "operation", None)
    return operation


def answer(
    value: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return a JSON response."""
    return Response(_encoder.encode(value), status, headers, content_type="application/json")


def read_query(kind: type[Q]) -> Q:
    """Return the query string as a ``kind``; raises Invalid naming the parameter."""
    sent: dict[str, str] = {}
    for name, values in request.args.lists():
        # One of two values would be ignored without notice.
        if len(values) > 1:
            raise Invalid.of_field(name, f"expected once, got {len(values)} times")
        sent[name] = values[0]
    return read_item(sent, kind, strict=False)
