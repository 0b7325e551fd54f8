"""Finds what ids belong to: a trace, span, session, user or score of a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import scores, sessions, spans, traces


class PageOfId(NamedTuple):
    """Where an id leads: the page of a trace (with a span), of a session, or of a user."""

    kind: str
    """``trace``, ``session`` or ``user``."""
    identifier: str
    span_id: str | None = None


def find_page(
    project_id: str, candidates: Sequence[str], kind: str = "", span_id: str | None = None
) -> PageOfId | None:
    """Return the page of the first id that exists in the project; None: none of them does.

    ``kind`` restricts what it is an id of, ``span_id`` names a span of the trace.
    """
    for name, find in _FINDERS.items():
        if kind in ("", name):
            for candidate in candidates:
                page: PageOfId | None = find(project_id, candidate)
                if page is not None:
                    return page._replace(span_id=page.span_id or span_id)
    return None


def _trace(project_id: str, identifier: str) -> PageOfId | None:
    return _if_any(traces, "trace_id", project_id, identifier, PageOfId("trace", identifier))


def _session(project_id: str, identifier: str) -> PageOfId | None:
    return _if_any(sessions, "session_id", project_id, identifier, PageOfId("session", identifier))


def _user(project_id: str, identifier: str) -> PageOfId | None:
    return _if_any(traces, "user_id", project_id, identifier, PageOfId("user", identifier))


def _if_any(
    table: sa.Table, column: str, project_id: str, identifier: str, page: PageOfId
) -> PageOfId | None:
    own = sa.exists().where(table.c.project_id == project_id, table.c[column] == identifier)
    return page if db.session.execute(sa.select(own)).scalar() else None


def _span(project_id: str, identifier: str) -> PageOfId | None:
    query = (
        sa.select(spans.c.trace_id)
        .where(spans.c.project_id == project_id, spans.c.span_id == identifier)
        .where(~spans.c.placeholder)
        .order_by(spans.c.start_time.desc())
        .limit(1)
    )
    trace_id = db.session.execute(query).scalar()
    return PageOfId("trace", trace_id, identifier) if trace_id else None


def _score(project_id: str, identifier: str) -> PageOfId | None:
    query = sa.select(scores.c.trace_id, scores.c.span_id, scores.c.session_id).where(
        scores.c.project_id == project_id, scores.c.score_id == identifier
    )
    row = db.session.execute(query.limit(1)).one_or_none()
    if row is None:
        return None
    if row.trace_id:
        return PageOfId("trace", row.trace_id, row.span_id)
    return PageOfId("session", row.session_id) if row.session_id else None


_FINDERS: Final[dict[str, Any]] = {
    "trace": _trace,
    "span": _span,
    "session": _session,
    "user": _user,
    "score": _score,
}
