"""The pages of a share link: its trace, or its session with the traces in it; nothing else.

The views are those of the project's own pages; links and data beyond the share are removed from
their results.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.shares import ShareRow, open_share
from tracer.store.scores.scores import ScoreRow
from tracer.store.traces.traces import TraceRow
from tracer.ui.base.rendering import is_fragment_template, render
from tracer.ui.base.representations import Representations
from tracer.ui.lists.session import session
from tracer.ui.panel.trace import Panel
from tracer.ui.trace import page as traces
from tracer.ui.trace.context import find_trace

bp = Blueprint("share", __name__, url_prefix="/share/<token>")

# The values of a trace that are shown; its user and session are not.
_SHARED_VALUES = ("/input", "/output", "/metadata", "/error_message")


@bp.url_value_preprocessor
def load_share(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Set ``g.share``; 404 if the link is expired, revoked or unknown, on every request anew."""
    token = (values or {}).pop("token", "")
    share = open_share(token)
    if share is None:
        abort(404, "This link is not valid: it has expired, was revoked, or never existed.")
    g.share, g.token = share, token
    trace_id = (values or {}).get("trace_id")
    if trace_id is not None and not _includes(share, trace_id):
        abort(404, "This link does not include that trace.")


@bp.url_defaults
def add_token(_endpoint: str, values: dict[str, Any]) -> None:
    """Add the token to every link of a shared page."""
    if "token" in g:
        values.setdefault("token", g.token)


@bp.after_request
def hide(response: Response) -> Response:
    """Set headers against search engines, caches and referrers: the address is a secret."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/")
def page() -> AnyResponse | str:
    """Show the shared session; redirect to the shared trace."""
    share = _share()
    if share.trace_id:
        return redirect(url_for("share.trace", trace_id=share.trace_id))
    assert share.session_id is not None
    context = dict(session(share.project_id, share.session_id).context())
    scores = _shared_scores(context["scores"])
    return render(
        "shared/session.html",
        **context
        | {"share": share, "scores": scores, "comments": _comments(context), "target": None}
        | {"trace_url": _url_of("share.trace"), "values_url": _url_of("share.value", "?")},
    )


@bp.get("/traces/<id:trace_id>")
def trace(trace_id: str) -> str:
    """Show the trace, with the panel of ``span``."""
    return _render("shared/trace.html", traces.trace(_share().project_id, trace_id))


@bp.get("/traces/<id:trace_id>/spans")
def spans(trace_id: str) -> str:
    """Return a page of one level of the tree."""
    return _render("tree/_level.html", traces.trace_spans(_share().project_id, trace_id))


@bp.get("/traces/<id:trace_id>/span")
def span(trace_id: str) -> Response:
    """Return the panel of a span."""
    result = traces.trace_span(_share().project_id, trace_id)
    _, _, query = result.headers["HX-Replace-Url"].partition("?")
    own = url_for("share.trace", trace_id=trace_id)
    address = f"{own}?{query}" if query else own
    return Response(_render("panel/_panel.html", result), headers={"HX-Replace-Url": address})


@bp.get("/traces/<id:trace_id>/value")
def value(trace_id: str) -> Response | str:
    """Show a value at a JSON pointer."""
    of_trace = not request.args.get("id")
    if of_trace and not request.args.get("at", "").startswith(_SHARED_VALUES):
        abort(404, "This value is not shared.")
    result = traces.trace_value(_share().project_id, trace_id)
    if isinstance(result, Response):
        return result
    page = not is_fragment_template(result.template)
    return _render("shared/value.html" if page else result.template, result)


def _share() -> ShareRow:
    share: ShareRow = g.share
    return share


def _includes(share: ShareRow, trace_id: str) -> bool:
    """Return whether the trace is the shared one, or one of the shared session."""
    if share.trace_id:
        return trace_id == share.trace_id
    return find_trace(share.project_id, trace_id).session_id == share.session_id


def _render(template: str, result: Representations) -> str:
    context = dict(result.context())
    trace = context["trace"]
    assert isinstance(trace, TraceRow)
    panel = context.get("panel")
    if isinstance(panel, Panel):
        context["panel"] = _stripped(panel)
    urls = {
        "page_url": "share.trace",
        "spans_url": "share.spans",
        "panel_url": "share.span",
        "value_url": "share.value",
    }
    links = {name: url_for(to, trace_id=trace.trace_id) for name, to in urls.items()}
    own = dataclasses.replace(trace, session_id=None, user_id=None)
    # Without a target for annotations the templates show no forms.
    return render(template, **context | links | {"trace": own, "target": None, "share": _share()})


def _stripped(panel: Panel) -> Panel:
    """Return the panel without links beyond the share, and without unshared comments."""
    panel.links, panel.price_id, panel.unpriced_model, panel.zoom = [], "", "", ""
    panel.scores = _shared_scores(panel.scores)
    if not _share().show_comments:
        panel.tabs = [tab for tab in panel.tabs if tab[0] != "comments"]
        if panel.tab == "comments":
            abort(404, "Comments are not shared.")
    return panel


def _url_of(endpoint: str, ending: str = "") -> Callable[[str], str]:
    return lambda trace_id: url_for(endpoint, trace_id=trace_id) + ending


def _shared_scores(scores: Any) -> list[ScoreRow]:
    if _share().show_comments:
        return list(scores)
    return [dataclasses.replace(score, comment=None, author=None) for score in scores]


def _comments(context: dict[str, Any]) -> list[Any]:
    return list(context["comments"]) if _share().show_comments else []
