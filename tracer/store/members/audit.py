"""The audit log: who did what, when, from where."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.schema import audit_events as events

SERVER: Final = ""
"""The project id of events that concern the whole server."""
MAX_COUNTED: Final = 10_000
_REPEAT_WINDOW: Final = "10 minutes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The author of an event: name, id, credential (session, key, token, command …), address."""

    name: str
    actor_id: str = ""
    via: str = ""
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """An entry of the audit log."""

    event_id: str
    project_id: str
    time: datetime
    action: str
    subject: str
    actor: str
    actor_id: str
    via: str
    address: str
    request_id: str
    detail: dict[str, Any] = field(default_factory=dict)
    repeats: int = 1


_COLUMNS: Final = [events.c[name] for name in AuditEvent.__dataclass_fields__]


def record(
    project_id: str,
    action: str,
    subject: str,
    actor: Actor,
    detail: dict[str, Any] | None = None,
    *,
    fold: bool = False,
) -> None:
    """Add an entry; with `fold`, an equal one of the last 10 minutes counts a repeat instead."""
    values = {
        "project_id": project_id,
        "action": action,
        "subject": subject[:800],
        "actor": actor.name,
        "actor_id": actor.actor_id,
        "via": actor.via,
        "address": actor.address,
    }
    if fold and _count_repeat(values):
        return
    more = {
        "event_id": f"{time.time_ns() // 1000:013x}{secrets.token_hex(4)}",
        "request_id": actor.request_id,
        "detail": detail or {},
    }
    db.session.execute(sa.insert(events).values(**values, **more))


def _count_repeat(values: dict[str, Any]) -> bool:
    same = [events.c[name] == value for name, value in values.items()]
    recent = events.c.time > sa.func.now() - sa.text(f"interval '{_REPEAT_WINDOW}'")
    latest = sa.select(events.c.event_id).where(*same, recent).order_by(events.c.time.desc())
    query = (
        sa.update(events)
        .where(
            events.c.project_id == values["project_id"],
            events.c.event_id == latest.limit(1).scalar_subquery(),
        )
        .values(repeats=events.c.repeats + 1)
        .returning(events.c.event_id)
    )
    return db.session.execute(query).one_or_none() is not None


def list_events(
    project_ids: list[str] | None,
    *,
    words: list[str] | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[AuditEvent]:
    """Return entries of these projects (None: all), latest first.

    Each of `words` must occur in action, subject, actor or address. With a word `action:key`, the
    field `action` must begin with `key`; `action:key,token` accepts either beginning. The fields
    `actor:`, `subject:`, `address:`, `via:` and `project:` are matched likewise. `before` is the
    (time, event_id) of the last entry of the previous page.
    """
    query = sa.select(*_COLUMNS).order_by(events.c.time.desc(), events.c.event_id.desc())
    if project_ids is not None:
        query = query.where(events.c.project_id.in_(project_ids))
    for word in words or []:
        query = query.where(_matches(word))
    if before is not None:
        query = query.where(sa.tuple_(events.c.time, events.c.event_id) < sa.tuple_(*before))
    rows = db.session.execute(query.limit(limit)).mappings()
    return [AuditEvent(**row) for row in rows]


def count_events(project_ids: list[str] | None, searches: Sequence[list[str]]) -> list[int]:
    """Return the number of hits of each search, a list of words, in the latest `MAX_COUNTED`."""
    latest = sa.select(events).order_by(events.c.time.desc(), events.c.event_id.desc())
    if project_ids is not None:
        latest = latest.where(events.c.project_id.in_(project_ids))
    rows = latest.limit(MAX_COUNTED).subquery()
    counts = [
        sa.func.count().filter(sa.true(), *(_matches(word, rows) for word in words))
        for words in searches
    ]
    return list(db.session.execute(sa.select(*counts).select_from(rows)).one())


_FIELDS: Final = {
    "action": "action",
    "actor": "actor",
    "subject": "subject",
    "address": "address",
    "via": "via",
    "project": "project_id",
}


def _matches(word: str, table: sa.FromClause = events) -> sa.ColumnElement[bool]:
    name, colon, value = word.partition(":")
    if colon and name in _FIELDS:
        beginnings = [part for part in value.split(",") if part] or [""]
        return sa.or_(
            *(table.c[_FIELDS[name]].istartswith(part, autoescape=True) for part in beginnings)
        )
    columns = [table.c[name] for name in ("action", "subject", "actor", "address")]
    return sa.or_(*(column.icontains(word, autoescape=True) for column in columns))
