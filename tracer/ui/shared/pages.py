"""The pages of a share link: its trace, or its session with the traces in it; nothing else.

The views are those of the project's own pages. This module lists the fields of their results that
a shared page shows: content, times, figures and scores. Left out is everything about who used the
application and where it ran: metadata, attributes, resources and events.
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
from tracer.ui.panel.trace import Panel
from tracer.ui.session.page import session
from tracer.ui.trace import page as traces
from tracer.ui.trace.context import find_trace

bp = Blueprint("share", __name__, url_prefix="/share/<token>")

_SHARED_VALUES = ("/input", "/output", "/error_message")
_SHARED_TABS = ("io", "scores", "comments")
_SHARED_FIELDS = (
    *("project_id", "trace_id", "name", "status", "start_time", "end_time", "updated_at"),
    *("span_count", "running_count", "error_count", "warning_count", "flagged_count"),
    *("unpriced_count", "input_tokens", "output_tokens", "total_tokens", "usage", "total_cost"),
    *("tags", "models", "kinds", "root_span_id"),
)
"""Of a trace; the others are empty on shared pages."""
_SHARED_PARTS = (
    *("title", "kind", "failed", "model", "subject", "span_id", "tab", "raw", "figures", "flags"),
    *("failure", "usage", "usage_total", "usage_note", "comments"),
)
"""Of the panel of a span or trace."""


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
def set_private_headers(response: Response) -> Response:
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
        | {"share": share, "scores": scores, "comments": _shared_comments(context), "target": None}
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
    path = url_for("share.trace", trace_id=trace_id)
    address = f"{path}?{query}" if query else path
    return Response(_render("panel/_panel.html", result), headers={"HX-Replace-Url": address})


@bp.get("/traces/<id:trace_id>/value")
def value(trace_id: str) -> Response | str:
    """Show a value at a JSON pointer."""
    pointer = request.args.get("at", "")
    if not any(pointer == name or pointer.startswith(f"{name}/") for name in _SHARED_VALUES):
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
        context["panel"] = _shared_panel(panel)
    urls = {
        "page_url": "share.trace",
        "spans_url": "share.spans",
        "panel_url": "share.span",
        "value_url": "share.value",
    }
    links = {name: url_for(to, trace_id=trace.trace_id) for name, to in urls.items()}
    # Without a target for annotations the templates show no forms.
    return render(
        template, **context | links | {"trace": _shared(trace), "target": None, "share": _share()}
    )


def _shared(trace: TraceRow) -> TraceRow:
    """Return the trace with _SHARED_FIELDS alone."""
    fields: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(TraceRow))
    fields |= {"environment": "", "public": True, "bookmarked": False, "comment_count": 0}
    fields["scores"] = []
    return TraceRow(**fields | {name: getattr(trace, name) for name in _SHARED_FIELDS})


def _shared_panel(panel: Panel) -> Panel:
    """Return the panel with _SHARED_PARTS alone; 404 for a tab that is not shared."""
    tabs = [name for name in _SHARED_TABS if name != "comments" or _share().show_comments]
    if panel.tab not in tabs:
        abort(404, "This part is not shared.")
    return Panel(
        **{name: getattr(panel, name) for name in _SHARED_PARTS},
        tabs=[tab for tab in panel.tabs if tab[0] in tabs],
        sections=[part for part in panel.sections if f"/{part.id}" in _SHARED_VALUES],
        scores=_shared_scores(panel.scores),
    )


def _url_of(endpoint: str, ending: str = "") -> Callable[[str], str]:
    return lambda trace_id: url_for(endpoint, trace_id=trace_id) + ending


def _shared_scores(scores: Any) -> list[ScoreRow]:
    if _share().show_comments:
        return list(scores)
    return [dataclasses.replace(score, comment=None, author=None) for score in scores]


def _shared_comments(context: dict[str, Any]) -> list[Any]:
    return list(context["comments"]) if _share().show_comments else []
