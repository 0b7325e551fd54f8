"""Editing the tags of a trace: the form sends additions and removals, never the whole list."""

from __future__ import annotations

import time
from typing import Final

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import TooSlow
from tracer.records import RANK_UPDATE, Batch, TraceRecord
from tracer.store.query.facets import complete_values
from tracer.store.query.selection import ALL
from tracer.ui.base.blueprint import bp, is_fragment, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import author
from tracer.ui.trace.context import find_trace, trace_context
from tracer.web.services import services

MAX_CHARACTERS: Final = 200
MAX_AT_ONCE: Final = 50
_SUGGESTED: Final = 8


@bp.post("/project/<project_id>/traces/<id:trace_id>/tags")
def trace_tags(project_id: str, trace_id: str) -> AnyResponse | str:
    """Add the tags in ``tag`` and, separated by commas, ``add``; remove those in ``remove``.

    Those in ``had`` that are not in ``keep`` are removed as well.
    """
    find_trace(project_id, trace_id)
    form = request.form
    added = [tag for part in form.get("add", "").split(",") if (tag := part.strip())]
    added += form.getlist("tag")
    kept = form.getlist("keep")
    removed = [*form.getlist("remove"), *(tag for tag in form.getlist("had") if tag not in kept)]
    edits = dict.fromkeys(removed, False) | dict.fromkeys(added, True)
    if len(edits) > MAX_AT_ONCE or any(len(tag) > MAX_CHARACTERS for tag in added):
        refuse(f"At most {MAX_AT_ONCE} tags at once, of at most {MAX_CHARACTERS} characters.")
    if any(not tag.isprintable() for tag in added):
        refuse("A tag can't contain control characters.")
    if edits:
        record = TraceRecord(
            trace_id=trace_id,
            rank=RANK_UPDATE,
            version=time.time_ns() // 1000,
            tag_edits=edits,
            editor=author().name,
        )
        for rejected in services().writer.write(project_id, Batch(traces=[record])):
            refuse(rejected.reason)
    if is_fragment():
        return render("annotations/_tags.html", **trace_context(find_trace(project_id, trace_id)))
    return redirect(url_for("ui.trace", project_id=project_id, trace_id=trace_id), 303)


@bp.get("/project/<project_id>/traces/<id:trace_id>/tags")
def tag_suggestions(project_id: str, trace_id: str) -> str:
    """Offer tags of the project that begin with the last word of ``add``, else frequent ones."""
    own = find_trace(project_id, trace_id).tags
    words = request.args.get("add", "").rpartition(",")[2].strip()[:MAX_CHARACTERS]
    try:
        values = complete_values(project_id, ALL, "tag", None, words)
    except TooSlow:
        values = []
    suggestions = [value for value in values if value.text not in own][:_SUGGESTED]
    return render(
        "annotations/_tag_suggestions.html",
        suggestions=suggestions,
        words=words,
        is_new=bool(words) and not values,
    )
