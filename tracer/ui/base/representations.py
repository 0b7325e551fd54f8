"""The HTML and the JSON representation of a page or fragment, from one view with one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Response, current_app, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer import exact_json
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render

SUFFIX: Final = ".json"

# Costs are decimals, and become JSON numbers with all their digits.
encode_json: Final = exact_json.encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Representations:
    """The result of a view in both representations; only the requested one is made."""

    template: str
    context: Callable[[], Mapping[str, object]]
    """The template's context."""
    data: Callable[[], object]
    """The JSON representation: Structs, dataclasses and JSON values."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of the HTML response alone."""


View = Callable[..., Representations | AnyResponse]
V = TypeVar("V", bound=View)


def html_and_json(rule: str) -> Callable[[V], V]:
    """Serve a view at ``rule`` as HTML, and at ``rule`` plus ``.json`` as JSON.

    A view may return a response of its own, such as a redirect, for both.
    """

    def register(view: V) -> V:
        name = view.__name__
        bp.add_url_rule(rule, name, _responder(view, _html))
        bp.add_url_rule(rule + SUFFIX, f"{name}_json", _responder(view, _json))
        return view

    return register


def _responder(
    view: View, represent: Callable[[Representations], Response]
) -> Callable[..., AnyResponse]:
    @wraps(view)
    def respond(**values: Any) -> AnyResponse:
        result = view(**values)
        return represent(result) if isinstance(result, Representations) else result

    return respond


def _html(result: Representations) -> Response:
    return Response(render(result.template, **result.context()), headers=result.headers)


def _json(result: Representations) -> Response:
    return Response(encode_json(result.data()), content_type="application/json")


def wants_json() -> bool:
    """Return whether the request is for the JSON representation of a page."""
    return (request.endpoint or "").endswith("_json")


@bp.app_template_global()
def json_url() -> str:
    """Return the address of the current page's JSON representation, "" if it has none."""
    if f"{request.endpoint}_json" not in current_app.view_functions:
        return ""
    path = url_for(f"{request.endpoint}_json", **(request.view_args or {}))
    query = request.query_string.decode()
    return f"{path}?{query}" if query else path
