"""What a mark is on, a trace or one of its spans or a session, and who made it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tracer.errors import NotFound
from tracer.extensions import db
from tracer.store.database.locks import lock_keys
from tracer.store.database.session import driver
from tracer.store.schema import sessions, spans, traces


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """Who makes a mark: the name to show, and an opaque word that tells namesakes apart."""

    name: str = ""
    author_id: str = ""

    def values(self) -> dict[str, str | None]:
        """Return the columns that every mark has of its author."""
        return {"author": self.name or None, "author_id": self.author_id or None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A trace (of which perhaps one span is meant) or a session."""

    project_id: str
    trace_id: str = ""
    session_id: str = ""
    span_id: str | None = None

    def key(self) -> dict[str, str]:
        """Return the columns that lead from a mark to what it is on."""
        return {
            "project_id": self.project_id,
            "trace_id": self.trace_id,
            "session_id": self.session_id,
        }

    def on(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition of being on this trace or session."""
        return sa.and_(*(table.c[name] == value for name, value in self.key().items()))

    def check(self) -> None:
        """Raise NotFound where there is no such thing."""
        for table, wanted in (
            (traces, {"trace_id": self.trace_id}),
            (sessions, {"session_id": self.session_id}),
            (spans, {"trace_id": self.trace_id, "span_id": self.span_id or ""}),
        ):
            if all(wanted.values()) and not self._is_in(table, wanted):
                noun, value = list(wanted.items())[-1]
                raise NotFound.of(noun.removesuffix("_id"), value)

    def _is_in(self, table: sa.Table, wanted: dict[str, str]) -> bool:
        values = {"project_id": self.project_id, **wanted}
        found = sa.exists().where(*(table.c[name] == value for name, value in values.items()))
        return bool(db.session.scalar(sa.select(found)))


def lock_subject(subject: Subject) -> None:
    """Keep a subject from being deleted until the transaction ends; raises NotFound."""
    lock_keys(driver(), [(subject.project_id, subject.trace_id or subject.session_id)])
    # Looked for under the lock: a delete that was under way has ended by now.
    subject.check()
