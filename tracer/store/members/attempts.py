"""Login limits: failed attempts of an account and of an address, counted in the database."""

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
"""Failures after which an account, or an address, has to wait."""
_FIRST_PAUSE: Final = timedelta(minutes=5)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_FORGET: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Limit:
    """What is left for a subject: tries before the next pause, or the end of the pause."""

    tries_left: int
    blocked_until: datetime | None = None


def account(email: str) -> str:
    """Return the subject of an account, whether or not it exists."""
    return f"account:{email.strip().lower()}"


def address(network_address: str) -> str:
    """Return the subject of a network address."""
    return f"address:{network_address}"


def check(subject: str) -> Limit:
    """Lock a subject until the transaction ends, so that attempts run one after the other.

    Returns what is left for it.
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
        return Limit(_most(subject))
    if row.blocked:
        return Limit(0, row.blocked_until)
    return Limit(max(_most(subject) - row.failures, 1))


def record_failure(subject: str) -> Limit:
    """Count a failed attempt; return what is left.

    After the allowed number of failures, each further one doubles the pause.
    """
    most = _most(subject)
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
    if failures < most:
        return Limit(most - failures)
    pause = min(_FIRST_PAUSE * 2 ** min(failures - most, 10), _LONGEST_PAUSE)
    until = db.session.execute(
        sa.update(attempts)
        .where(attempts.c.subject == subject)
        .values(blocked_until=sa.func.now() + pause)
        .returning(attempts.c.blocked_until)
    ).scalar_one()
    return Limit(0, until)


def forget(subject: str) -> None:
    """Forget the failures of a subject, after a successful login or a new password."""
    db.session.execute(sa.delete(attempts).where(attempts.c.subject == subject))


def _most(subject: str) -> int:
    return PER_ACCOUNT if subject.startswith("account:") else PER_ADDRESS


def _is_recent() -> sa.ColumnElement[bool]:
    return attempts.c.last_failure_at > sa.func.now() - _FORGET
