"""Login limits: counts failed attempts per account and per network address in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from tracer.extensions import db
from tracer.store.schema import login_attempts as attempts

PER_ACCOUNT: Final = 5
PER_ADDRESS: Final = 20
"""Failures after which an account, or an address, is blocked for a while."""
_FIRST_PAUSE: Final = timedelta(minutes=5)
_MAX_PAUSE: Final = timedelta(hours=1)
_COUNTED_FOR: Final = timedelta(hours=24)
"""A failure no longer counts if none has followed it for this time."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The state of a subject: the tries until it is blocked, or the end of the block."""

    tries_left: int
    blocked_until: datetime | None = None


def account(email: str) -> str:
    """Return the subject of an account, whether or not it exists."""
    return f"account:{email.strip().lower()}"


def address(network_address: str) -> str:
    """Return the subject of a network address."""
    return f"address:{network_address}"


def lock_and_check(subject: str) -> Limit:
    """Return the state of a subject, and lock the subject until the transaction ends.

    Because of the lock, concurrent attempts run one after the other.
    """
    db.session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(subject, 3)))
    )
    row = db.session.execute(
        sa.select(
            attempts.c.failures,
            attempts.c.blocked_until,
            (attempts.c.blocked_until > sa.func.now()).label("blocked"),
        ).where(attempts.c.subject == subject, _is_recent())
    ).one_or_none()
    if row is None:
        return Limit(_max_failures(subject))
    if row.blocked:
        return Limit(0, row.blocked_until)
    return Limit(max(_max_failures(subject) - row.failures, 1))


def record_failure(subject: str) -> Limit:
    """Count a failed attempt; return the new state of the subject.

    The first block lasts 5 minutes; each further failure doubles it, up to an hour.
    """
    maximum = _max_failures(subject)
    query = insert(attempts).values(
        subject=subject, failures=1, last_failure_at=sa.func.now(), blocked_until=None
    )
    failures = db.session.execute(
        query.on_conflict_do_update(
            index_elements=["subject"],
            set_={
                "failures": sa.case((_is_recent(), attempts.c.failures + 1), else_=1),
                "last_failure_at": sa.func.now(),
            },
        ).returning(attempts.c.failures)
    ).scalar_one()
    if failures < maximum:
        return Limit(maximum - failures)
    pause = min(_FIRST_PAUSE * 2 ** min(failures - maximum, 10), _MAX_PAUSE)
    until = db.session.execute(
        sa.update(attempts)
        .where(attempts.c.subject == subject)
        .values(blocked_until=sa.func.now() + pause)
        .returning(attempts.c.blocked_until)
    ).scalar_one()
    return Limit(0, until)


def clear_failures(subject: str) -> None:
    """Delete the failures of a subject, after a successful login or a new password."""
    db.session.execute(sa.delete(attempts).where(attempts.c.subject == subject))


def _max_failures(subject: str) -> int:
    return PER_ACCOUNT if subject.startswith("account:") else PER_ADDRESS


def _is_recent() -> sa.ColumnElement[bool]:
    return attempts.c.last_failure_at > sa.func.now() - _COUNTED_FOR
