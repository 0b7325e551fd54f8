"""Logging in with a password, within the limits of attempts, and starting a session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, g, request

from tracer.store.database.session import transaction
from tracer.store.members import attempts
from tracer.store.members.attempts import Limit
from tracer.store.members.audit import Actor
from tracer.store.members.members import Member, mark_seen, member_by_email, replace_hash
from tracer.store.members.members import use_totp_step as use_step
from tracer.store.members.passwords import hash_password, needs_rehash, verify_password
from tracer.store.members.sessions import (
    LONG_LIFETIME,
    SHORT_LIFETIME,
    create_session,
    end_session,
    find_session,
)
from tracer.store.members.totp import matching_step
from tracer.web.access import audit
from tracer.web.access.addresses import client_address
from tracer.web.access.cookies import session_token, set_session
from tracer.web.access.identity import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of an attempt: the member, or why there is none."""

    member: Member | None = None
    needs_code: bool = False
    """The password is right; a one-time code is missing or wrong."""
    tries_left: int = 0
    blocked_until: datetime | None = None


def log_in(email: str, password: str, code: str) -> Outcome:
    """Check a login; the attempts of an account, and of an address, run one after the other.

    An account that does not exist is treated like a wrong password, in the same time.
    """
    subjects = [attempts.account(email), attempts.address(client_address())]
    with transaction():
        limits = [attempts.lock_and_check(subject) for subject in sorted(subjects)]
        blocked = [limit.blocked_until for limit in limits if limit.blocked_until is not None]
        if blocked:
            _audit("login.blocked", email, fold=True)
            return Outcome(blocked_until=max(blocked))
        member = member_by_email(email)
        password_matches = verify_password(member.password_hash if member else None, password)
        if not password_matches or member is None or member.disabled_at is not None:
            return _failed(email, subjects)
        if member.totp_secret is not None and not code:
            return Outcome(needs_code=True, tries_left=min(limit.tries_left for limit in limits))
        if member.totp_secret is not None and not _use_code(member, code):
            return _failed(email, subjects, needs_code=True)
        attempts.clear_failures(subjects[0])
        if member.password_hash is not None and needs_rehash(member.password_hash):
            replace_hash(member.member_id, hash_password(password))
    return Outcome(member=member)


def start_session(response: Response, member: Member, how: str, *, stay: bool) -> None:
    """Log a member in: create a session, set its cookie, and add an entry to the audit log.

    The browser's previous session ends: an attacker may have set its cookie.
    """
    lifetime: timedelta = LONG_LIFETIME if stay else SHORT_LIFETIME
    previous = find_session(session_token()) if session_token() else None
    with transaction():
        if previous is not None:
            end_session(previous[1].member_id, previous[0].login_id)
        agent = request.headers.get("User-Agent", "")
        session, token = create_session(member.member_id, client_address(), agent, lifetime)
        mark_seen(member.member_id)
        g.identity = Identity(member=member, session=session)
        audit.add("login", how)
    set_session(response, token, lifetime, stay=stay)


def _failed(email: str, subjects: list[str], *, needs_code: bool = False) -> Outcome:
    limits: list[Limit] = [attempts.record_failure(subject) for subject in sorted(subjects)]
    _audit("login.failed", email, fold=True)
    blocked = [limit.blocked_until for limit in limits if limit.blocked_until is not None]
    return Outcome(
        needs_code=needs_code,
        tries_left=min(limit.tries_left for limit in limits),
        blocked_until=max(blocked, default=None),
    )


def _use_code(member: Member, code: str) -> bool:
    step = matching_step(member.totp_secret or "", code, time.time())
    return step is not None and use_step(member.member_id, step)


def _audit(action: str, email: str, *, fold: bool) -> None:
    by = Actor(name="anyone", via="login", address=client_address(), request_id=g.request_id)
    audit.add(action, email[:200], by=by, fold=fold)
