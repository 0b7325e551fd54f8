"""The blueprint, and what all pages share: the project of the URL, fragments, caching."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.projects.projects import DEFAULT_PROJECT, get_project
from tracer.store.traces.traces import project_of
from tracer.ui.base.same_origin import check_origin
from tracer.ui.render.format import FILTERS
from tracer.ui.render.markdown import markdown

MOST_MARKDOWN = 100_000
"""Characters of comments that one page parses: about a fifth of a second."""

bp = Blueprint("ui", __name__)
bp.before_request(check_origin)

for _name, _filter in FILTERS.items():
    bp.add_app_template_filter(_filter, _name)


@bp.app_template_filter("markdown")
def bounded_markdown(text: str) -> Markup | None:
    """Return ``text`` rendered, None: too long, or this page has had its share of parsing."""
    g.markdown_left = g.get("markdown_left", MOST_MARKDOWN) - len(text)
    return markdown(text) if g.markdown_left >= 0 else None


@bp.app_template_filter("quote")
def quote_id(text: str) -> str:
    """Return ``text`` for use in a query string, slashes and all."""
    # Most ids are hexadecimal, and a page of rows has hundreds of them.
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


@bp.app_context_processor
def common() -> dict[str, Any]:
    """Give every template the time at which the page was made."""
    return {"now": datetime.now(UTC)}


@bp.url_value_preprocessor
def load_project(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Put the URL's project into ``g.project``; 404 where there is none."""
    project_id = (values or {}).get("project_id")
    if project_id is None:
        return
    # Here and not in each page, so that no page can forget to look.
    g.project = get_project(project_id)
    if g.project is None:
        abort(404, f"There is no project “{project_id}”.")


@bp.after_request
def keep_private(response: Response) -> Response:
    """Let nobody else keep a page, and nobody take a fragment for one."""
    # Kept and asked for again: "back" is instant, and never shows a stale page as fresh.
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("HX-Request-Type", "Cookie"))
    return response


@bp.get("/")
def home() -> AnyResponse:
    """Go to where most visits start."""
    return redirect(url_for("ui.trace_list", project_id=DEFAULT_PROJECT))


@bp.get("/trace/<id:trace_id>")
def any_trace(trace_id: str) -> AnyResponse:
    """Go to the page of a trace of which only the id is known, as some clients print links."""
    project_id = project_of(trace_id)
    if project_id is None:
        abort(404, f"There is no trace “{trace_id}”.")
    return redirect(url_for("ui.trace", project_id=project_id, trace_id=trace_id))


def is_fragment() -> bool:
    """Return whether htmx asks for a part of a page (a restored history entry wants it whole)."""
    # Not HX-Request: htmx leaves it out when it restores a page from history.
    return request.headers.get("HX-Request-Type") == "partial"


def refuse(reason: str) -> NoReturn:
    """Say what is wrong with a form: in a line where htmx sent it, else as a page (422)."""
    if is_fragment():
        abort(Response(reason, 422, content_type="text/plain; charset=utf-8"))
    abort(422, reason)
