"""“Go to…”: redirects from a pasted id to its page; other texts find pages and names."""

from __future__ import annotations

from typing import Final, NamedTuple

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from tracer.query.pasted_ids import is_id, recognise
from tracer.query.values import quoted, written_text
from tracer.store.library.saved_views import list_views
from tracer.store.query.facets import complete_values
from tracer.store.query.selection import ALL
from tracer.store.traces.find_ids import PageOfId, find_page
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.base.visitor import current_visitor
from tracer.ui.lists.kinds import KINDS
from tracer.ui.lists.saved_views import view_url
from tracer.ui.query.list_query import term

_PAGES: Final = (
    ("Traces", "ui.trace_list"),
    ("Generations", "ui.generation_list"),
    ("Tools", "ui.tool_list"),
    ("Spans", "ui.span_list"),
    ("Sessions", "ui.session_list"),
    ("Users", "ui.user_list"),
    ("Prompts", "ui.prompt_list"),
    ("Datasets", "ui.dataset_list"),
    ("Settings", "ui.settings"),
    ("Prices", "ui.price_list"),
    ("Query language", "ui.query_help"),
)
_NAMED: Final = (("name", "Traces named"), ("user", "Traces of user"), ("tag", "Traces tagged"))
_PER_FIELD: Final = 5


class Destination(NamedTuple):
    """A page that the text may mean."""

    label: str
    url: str
    traces: int | None = None


@html_and_json("/project/<project_id>/go")
def go_to(project_id: str) -> Representations | Response:
    """Redirect to the page of a pasted id; else offer pages, names, and a search.

    A fragment is what the box of "Go to…" shows while a text is typed: the offers alone, the page
    of a pasted id among them.
    """
    text = request.args.get("to", "").strip()
    pasted = recognise(text)
    page = None
    if pasted is not None:
        page = find_page(project_id, pasted.candidates, pasted.kind, pasted.span_id)
    if page is not None and not is_fragment():
        return redirect(_url(project_id, page))
    destinations = _destinations(project_id, text)
    if page is not None:
        label = f"{page.kind.capitalize()} {page.identifier}"
        destinations = [Destination(label, _url(project_id, page)), *destinations]
    return Representations(
        "lists/_destinations.html" if is_fragment() else "lists/go_to.html",
        context=lambda: {"text": text, "destinations": destinations, "project_id": project_id},
        data=lambda: destinations,
    )


def id_url(project_id: str, text: str) -> str | None:
    """Return the page of an id that was typed as a query; None: the text is a query.

    Only what looks like an id, a ``traceparent`` or a link is looked up: a word may be the name of
    a user as well.
    """
    pasted = recognise(text)
    if pasted is None or not (pasted.kind or len(pasted.candidates) > 1 or is_id(text)):
        return None
    page = find_page(project_id, pasted.candidates, pasted.kind, pasted.span_id)
    return _url(project_id, page) if page is not None else None


def _url(project_id: str, page: PageOfId) -> str:
    if page.kind == "trace":
        return url_for(
            "ui.trace", project_id=project_id, trace_id=page.identifier, span=page.span_id
        )
    if page.kind == "session":
        return url_for("ui.session", project_id=project_id, session_id=page.identifier)
    return url_for("ui.user", project_id=project_id, user_id=page.identifier)


def _destinations(project_id: str, text: str) -> list[Destination]:
    """Return the pages, views and names that begin with the text, and the search for it."""
    rows = [
        Destination(label, url_for(endpoint, project_id=project_id))
        for label, endpoint in _PAGES
        if label.lower().startswith(text.lower())
    ]
    if not text:
        return rows
    rows += [
        Destination(f"View {view.name}", view_url(KINDS[view.list], project_id, view))
        for view in list_views(project_id, None, current_visitor().visitor_id)
        if view.name.lower().startswith(text.lower()) and view.list in KINDS
    ]
    for field, label in _NAMED:
        values = complete_values(project_id, ALL, field, None, text)[:_PER_FIELD]
        rows += [
            Destination(
                f"{label} {value.text}", _list(project_id, term(field, value.text)), value.traces
            )
            for value in values
        ]
    words = text if written_text(text) == text and ":" not in text else quoted(text)
    return [*rows, Destination(f"Search “{text}” in all traces", _list(project_id, words))]


def _list(project_id: str, query: str) -> str:
    return url_for("ui.trace_list", project_id=project_id, q=query)
