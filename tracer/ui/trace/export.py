"""Exports of traces and sessions as files, and the export menu."""

from __future__ import annotations

from flask import Response, abort, request

from tracer.errors import NotFound
from tracer.export.formats import FORMATS, Format
from tracer.store.traces import sessions
from tracer.ui.base.blueprint import bp
from tracer.web.downloads import session_file, trace_file

_MIN_BUDGET, _MAX_BUDGET = 200, 1_000_000


@bp.app_template_global()
def export_formats() -> list[Format]:
    """Return the formats in the order of the menu."""
    return list(FORMATS.values())


@bp.get("/project/<project_id>/traces/<id:trace_id>/export")
def trace_export(project_id: str, trace_id: str) -> Response:
    """Return a trace as a file in ``format``; ``budget`` limits the tokens of a transcript."""
    name = request.args.get("format", "json")
    if name not in FORMATS:
        abort(400, f"format={name!r}: expected one of {', '.join(FORMATS)}.")
    budget = request.args.get("budget", type=int)
    if "budget" in request.args and not _MIN_BUDGET <= (budget or 0) <= _MAX_BUDGET:
        abort(400, f"budget: expected {_MIN_BUDGET:,} to {_MAX_BUDGET:,} tokens.")
    return trace_file(project_id, trace_id, name, budget) or abort(
        404, f"This project has no trace “{trace_id}”."
    )


@bp.get("/project/<project_id>/sessions/<id:session_id>/export")
def session_export(project_id: str, session_id: str) -> Response:
    """Return the traces of a session as a JSON file."""
    if sessions.get_session(project_id, session_id) is None:
        raise NotFound.of("session", session_id)
    return session_file(project_id, session_id)
