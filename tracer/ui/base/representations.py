"""A page or fragment and its JSON twin: one view, one result, shown as HTML or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar

import msgspec
from flask import Response, current_app, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render

SUFFIX: Final = ".json"

# Costs are decimals, and leave as JSON numbers with the digits they have.
encoded: Final = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view found, and the two ways to show it; only the one that is asked for is made."""

    template: str
    context: Callable[[], Mapping[str, object]]
    """What the template is rendered with."""
    data: Callable[[], object]
    """What the twin says: Structs, dataclasses and JSON values."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the HTML alone."""


View = Callable[..., Shown | AnyResponse]
V = TypeVar("V", bound=View)


def twin(rule: str) -> Callable[[V], V]:
    """Serve a view at ``rule`` as HTML, and at ``rule`` with ``.json`` behind it as JSON.

    A view may answer by itself where there is nothing to show, as a redirect does.
    """

    def register(view: V) -> V:
        name = view.__name__
        bp.add_url_rule(rule, name, _answering(view, _html))
        bp.add_url_rule(rule + SUFFIX, f"{name}_json", _answering(view, _json))
        return view

    return register


def _answering(view: View, show: Callable[[Shown], Response]) -> Callable[..., AnyResponse]:
    @wraps(view)
    def answer(**values: Any) -> AnyResponse:
        shown = view(**values)
        return show(shown) if isinstance(shown, Shown) else shown

    return answer


def _html(shown: Shown) -> Response:
    return Response(render(shown.template, **shown.context()), headers=shown.headers)


def _json(shown: Shown) -> Response:
    return Response(encoded(shown.data()), content_type="application/json")


@bp.app_template_global()
def twin_url() -> str:
    """Return the address of the twin of the page being made; empty: the page has none."""
    if f"{request.endpoint}_json" not in current_app.view_functions:
        return ""
    path = url_for(f"{request.endpoint}_json", **(request.view_args or {}))
    query = request.query_string.decode()
    return f"{path}?{query}" if query else path
