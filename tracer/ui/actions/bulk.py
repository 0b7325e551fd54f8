"""Changes of many traces at once: a page that counts them, and the form that creates a job."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Invalid
from tracer.query.errors import QueryError
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.store.database.session import transaction, within
from tracer.store.jobs import jobs
from tracer.store.jobs.changes import Bookmark, Delete, Score, TagEdit, TraceChange
from tracer.store.query.selection import Selection
from tracer.store.scores.scores import list_kinds
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import author, current_visitor

UNDO_SECONDS: Final = 10
"""How long a job waits, so that it can be undone."""
MAX_SELECTED: Final = 500
MAX_TAGS: Final = 50
MAX_TEXT_LENGTH: Final = 200
_SECONDS: Final = 10
ACTIONS: Final = {
    "bookmark": "Bookmark",
    "remove_bookmark": "Remove the bookmarks of",
    "tag": "Tag",
    "score": "Score",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The traces that were ticked in a list, or all that match a query."""

    query: str | None
    trace_ids: list[str]

    @classmethod
    def read(cls, values: Mapping[str, str], ticked: list[str]) -> Chosen:
        """Read ``trace`` (repeated) or ``q`` of a form or an address; 400 where neither is present.

        An empty query selects all traces.
        """
        if ticked:
            return cls(None, ticked[:MAX_SELECTED])
        if "q" not in values:
            abort(400, "Tick the traces in the list, or choose all that match.")
        return cls(values["q"].strip(), [])

    def selected(self) -> jobs.Selected:
        """Return what a job takes; 400: the query has an error."""
        if self.query is None:
            return self.trace_ids
        selection = selection_of(self.query)
        return lambda table: selection.condition(Grain.TRACE, table)

    def count(self, project_id: str) -> int:
        """Return the current number of selected traces; raises TooSlow."""
        with within(_SECONDS):
            return jobs.count_selected(project_id, self.selected())

    def back_url(self, project_id: str) -> str:
        """Return the list that the traces were chosen from."""
        return url_for("ui.trace_list", project_id=project_id, q=self.query or None)


def selection_of(query: str) -> Selection:
    """Return the traces that a query selects; 400: it has an error."""
    try:
        return Selection(parse(query, Grain.TRACE))
    except QueryError as error:
        abort(400, str(error))


@bp.get("/project/<project_id>/bulk")
def bulk(project_id: str) -> str | AnyResponse:
    """Show how many traces an action would change, with the fields that it needs."""
    action = request.args.get("action", "")
    if action == "delete":
        query = request.query_string.decode()
        return redirect(f"{url_for('ui.bulk_delete', project_id=project_id)}?{query}")
    return _page(project_id, action if action in ACTIONS else "")


@bp.post("/project/<project_id>/bulk")
def do_bulk(project_id: str) -> AnyResponse:
    """Create the job, which can be undone until it starts, and redirect to its page."""
    return _create_job(project_id, _change(request.form.get("action", "")))


@bp.get("/project/<project_id>/bulk/delete")
def bulk_delete(project_id: str) -> str:
    """Show how many traces a delete would remove."""
    return _page(project_id, "delete")


@bp.post("/project/<project_id>/bulk/delete")
def do_bulk_delete(project_id: str) -> AnyResponse:
    """Create the job that deletes the traces."""
    return _create_job(project_id, Delete())


def _page(project_id: str, action: str) -> str:
    chosen = Chosen.read(request.args, request.args.getlist("trace"))
    return render(
        "actions/bulk.html",
        project_id=project_id,
        chosen=chosen,
        total=chosen.count(project_id),
        action=action,
        label={**ACTIONS, "delete": "Delete"}.get(action, "Change"),
        actions=ACTIONS,
        back=chosen.back_url(project_id),
        kinds=list_kinds(project_id) if action == "score" else [],
        undo_seconds=UNDO_SECONDS,
        visitor=current_visitor(),
    )


def _create_job(project_id: str, change: TraceChange) -> AnyResponse:
    chosen = Chosen.read(request.form, request.form.getlist("trace"))
    selected, by = chosen.selected(), author(named=isinstance(change, Score))
    with transaction():
        job = jobs.create_job(
            project_id, change, selected, query=chosen.query, delay=UNDO_SECONDS, author=by
        )
    return redirect(url_for("ui.job", project_id=project_id, job_id=job.job_id), 303)


def _change(action: str) -> TraceChange:
    if action in ("bookmark", "remove_bookmark"):
        return Bookmark(present=action == "bookmark")
    if action == "tag":
        return _tag_edit()
    if action == "score":
        return _score()
    raise Invalid.of_field("action", f"expected one of {', '.join(ACTIONS)}")


def _tag_edit() -> TagEdit:
    added, removed = (
        [tag for part in _text(name).split(",") if (tag := part.strip())]
        for name in ("add", "remove")
    )
    edits = dict.fromkeys(removed, False) | dict.fromkeys(added, True)
    if not edits:
        refuse("Enter a tag to add or to remove.")
    if len(edits) > MAX_TAGS or any(len(tag) > MAX_TEXT_LENGTH for tag in edits):
        refuse(f"At most {MAX_TAGS} tags at once, of at most {MAX_TEXT_LENGTH} characters.")
    return TagEdit(edits)


def _score() -> Score:
    """Return the score of the form: a number, yes or no, or a category."""
    name, value, comment = (_text(field) for field in ("name", "value", "comment"))
    if not name or not value or max(len(name), len(value)) > MAX_TEXT_LENGTH:
        refuse(f"Enter the score's name and its value, in at most {MAX_TEXT_LENGTH} characters.")
    explanation = comment[:2_000] or None
    if value.lower() in ("yes", "no"):
        return Score(name, "boolean", value=float(value.lower() == "yes"), comment=explanation)
    try:
        return Score(name, "numeric", value=float(value.replace(",", ".")), comment=explanation)
    except ValueError:
        return Score(name, "categorical", string_value=value, comment=explanation)


def _text(name: str) -> str:
    text = request.form.get(name, "").strip()
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        refuse("Texts can't contain control characters.")
    return text
