"""Editing the tags of a trace: the form sends additions and removals, never the whole list."""

from __future__ import annotations

import time
from typing import Final

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.records import RANK_UPDATE, Batch, TraceRecord
from tracer.ui.base.blueprint import bp, is_fragment, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import author
from tracer.ui.trace.context import find_trace, trace_context
from tracer.web.services import services

MAX_CHARACTERS: Final = 200
MAX_AT_ONCE: Final = 50


@bp.post("/project/<project_id>/traces/<id:trace_id>/tags")
def trace_tags(project_id: str, trace_id: str) -> AnyResponse | str:
    """Add the tags in ``add``, separated by commas, and remove those in ``remove``."""
    find_trace(project_id, trace_id)
    added = [tag for part in request.form.get("add", "").split(",") if (tag := part.strip())]
    removed = request.form.getlist("remove")
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
