"""The blueprint of the pages: the project in the URL, fragments, cache headers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.traces.traces import project_of
from tracer.ui.base.same_origin import check_origin
from tracer.ui.render.format import FILTERS
from tracer.ui.render.markdown import markdown
from tracer.ui.render.user_agent import browser
from tracer.web.access.check import may
from tracer.web.access.identity import identity

MAX_MARKDOWN = 100_000
"""Characters of comments that are parsed per page: this takes about 0.2 s."""

bp = Blueprint("ui", __name__)
bp.before_request(check_origin)

for _name, _filter in FILTERS.items():
    bp.add_app_template_filter(_filter, _name)
bp.add_app_template_filter(browser)


@bp.app_template_filter("markdown")
def bounded_markdown(text: str) -> Markup | None:
    """Return ``text`` as HTML; None: it is too long, or the page has used up ``MAX_MARKDOWN``."""
    g.markdown_left = g.get("markdown_left", MAX_MARKDOWN) - len(text)
    return markdown(text) if g.markdown_left >= 0 else None


@bp.app_template_filter("quote")
def quote_id(text: str) -> str:
    """Return ``text`` quoted for a query string, including slashes."""
    # Fast path: most ids are hexadecimal, and a page of rows has hundreds of them.
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


@bp.app_context_processor
def common() -> dict[str, Any]:
    """Return the context of every template: the time, and `may(right)`."""
    return {"now": datetime.now(UTC), "may": may}


@bp.after_request
def keep_private(response: Response) -> Response:
    """Set cache headers: no shared caches, and no fragment in place of its page."""
    # Browsers store the page and revalidate it: "back" is fast and never shows an outdated page.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.vary.update(("HX-Request-Type", "Cookie"))
    return response


@bp.get("/")
def home() -> AnyResponse:
    """Redirect to the traces of the default project, or of the first one that may be read."""
    own = identity().project_ids()
    if not own:
        return redirect(url_for("ui.account"))
    project_id = DEFAULT_PROJECT if DEFAULT_PROJECT in own else own[0]
    return redirect(url_for("ui.trace_list", project_id=project_id))


@bp.get("/trace/<id:trace_id>")
def any_trace(trace_id: str) -> AnyResponse:
    """Redirect to a trace by its id alone, as in the links that some clients print."""
    project_id = project_of(trace_id, identity().project_ids())
    if project_id is None:
        abort(404, f"There is no trace “{trace_id}”.")
    return redirect(url_for("ui.trace", project_id=project_id, trace_id=trace_id))


@bp.app_template_global()
def own_path() -> str:
    """Return the path of the current page with the prefix of all URLs, for forms and links."""
    return f"{request.script_root}{quote(request.path, safe='/%')}"


def is_fragment() -> bool:
    """Return whether htmx requests a part of a page, not a whole one."""
    # HX-Request would not do: htmx omits it when it restores a page from history.
    return request.headers.get("HX-Request-Type") == "partial"


def redirect_after_save(url: str) -> AnyResponse:
    """Redirect to a page after its form was saved; for htmx, with a header of its own."""
    return Response(headers={"HX-Redirect": url}) if is_fragment() else redirect(url, 303)


def refuse(reason: str) -> NoReturn:
    """Respond with 422 and the reason: as text if htmx sent the form, else as a page."""
    if is_fragment():
        abort(Response(reason, 422, content_type="text/plain; charset=utf-8"))
    abort(422, reason)
