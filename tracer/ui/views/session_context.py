"""Repeated model input of a session: its page, and the summary beside the session."""

from __future__ import annotations

from functools import partial

from flask import url_for

from tracer.errors import NotFound
from tracer.store.traces.model_calls import read_session_totals
from tracer.store.traces.sessions import get_session
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.views.context_totals import view_totals

_NOTHING = "No two of its model calls that report their tokens have messages in common."
_TOO_MANY = "Its model calls are too many, or their inputs too large, to be compared."


@html_and_json("/project/<project_id>/sessions/<id:session_id>/context")
def session_context(project_id: str, session_id: str) -> Representations:
    """Show how much model input repeats; as a fragment, only the totals."""
    row = get_session(project_id, session_id)
    if row is None:
        raise NotFound.of("session", session_id)
    totals = read_session_totals(project_id, session_id)
    url = partial(url_for, project_id=project_id, session_id=session_id)
    return Representations(
        "views/_session_context.html" if is_fragment() else "views/session_context.html",
        context=lambda: {
            "session": row,
            "totals": view_totals(totals),
            "nothing": _TOO_MANY if totals.left_out else _NOTHING,
            "context_url": url("ui.session_context"),
            "session_url": url("ui.session"),
        },
        data=lambda: totals,
    )
