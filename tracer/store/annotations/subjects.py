"""The subject of an annotation (trace, span or session) and its author."""

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
    """The author of an annotation: a display name, and an opaque id that separates equal names."""

    name: str = ""
    author_id: str = ""
    member_id: str | None = None

    def values(self) -> dict[str, str | None]:
        """Return the author columns that all annotation tables have."""
        return {
            "author": self.name or None,
            "author_id": self.author_id or None,
            "member_id": self.member_id,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The subject of an annotation: a trace (optionally one of its spans) or a session."""

    project_id: str
    trace_id: str = ""
    session_id: str = ""
    span_id: str | None = None

    def key(self) -> dict[str, str]:
        """Return the key columns of the subject in the annotation tables."""
        return {
            "project_id": self.project_id,
            "trace_id": self.trace_id,
            "session_id": self.session_id,
        }

    def on(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a row of ``table`` belongs to this subject."""
        return sa.and_(*(table.c[name] == value for name, value in self.key().items()))

    def check(self) -> None:
        """Raise NotFound where the trace, span or session does not exist."""
        for table, ids in (
            (traces, {"trace_id": self.trace_id}),
            (sessions, {"session_id": self.session_id}),
            (spans, {"trace_id": self.trace_id, "span_id": self.span_id or ""}),
        ):
            if all(ids.values()) and not self._is_in(table, ids):
                noun, value = list(ids.items())[-1]
                raise NotFound.of(noun.removesuffix("_id"), value)

    def _is_in(self, table: sa.Table, ids: dict[str, str]) -> bool:
        values = {"project_id": self.project_id, **ids}
        exists = sa.exists().where(*(table.c[name] == value for name, value in values.items()))
        return bool(db.session.scalar(sa.select(exists)))


def lock_subject(subject: Subject) -> None:
    """Lock the subject against deletion until the transaction ends; raises NotFound."""
    lock_keys(driver(), [(subject.project_id, subject.trace_id or subject.session_id)])
    # Checked under the lock: a delete that was in progress has ended by now.
    subject.check()
