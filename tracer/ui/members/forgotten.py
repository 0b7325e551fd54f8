"""A lost password: mails a one-time link for a new one, where a mail server is set."""

from __future__ import annotations

import logging
import smtplib
import threading
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, request, url_for

from tracer.config import is_loopback
from tracer.errors import ConfigError
from tracer.store.database.session import UNREACHABLE, transaction
from tracer.store.members import attempts
from tracer.store.members.audit import SERVER, Actor, record
from tracer.store.members.links import create_password_link
from tracer.store.members.mail_server import mail_server
from tracer.store.members.members import Member, member_by_email
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.members.forms import Errors, check_email, sent_email
from tracer.web import mail
from tracer.web.access.addresses import client_address
from tracer.web.services import services

log: Final = logging.getLogger(__name__)
_SUBJECT: Final = "A new password for Tracer"
_TEXT: Final = """Someone requested a new password for your account at {host}.

This link sets it. It works once, within a day:

{link}

If it was not you, there is nothing to do: without the link, the password stays.
"""
_sending: Final = threading.BoundedSemaphore(8)


@bp.get("/login/forgotten")
def forgotten() -> str:
    """Show the form for the address; 404 where the server sends no mail."""
    _require_mail()
    return _page({})


@bp.post("/login/forgotten")
def send_link() -> str | tuple[str, int]:
    """Mail a link to the member of the address; the answer is the same where there is none."""
    _require_mail()
    email, errors = sent_email(), Errors()
    check_email(email, errors)
    if errors:
        return _page(errors), 422
    by = Actor(name="anyone", via="login", address=client_address(), request_id=g.request_id)
    if _is_within_limits(email) and _sending.acquire(blocking=False):
        # In a thread: an address with a member must take no longer than one without.
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        args = (app, email, by, _link_prefix(), request.host)
        threading.Thread(target=_send, args=args, daemon=True).start()
    return _page({}, sent=True)


def _require_mail() -> None:
    if not mail_server():
        abort(404, "This server sends no mail: an administrator creates a link.")


def _is_within_limits(email: str) -> bool:
    """Count the request; return whether account and client address are within the limits."""
    subjects = attempts.account(f"mail {email}"), attempts.address(f"mail {client_address()}")
    with transaction():
        blocked = [
            attempts.lock_and_check(subject).blocked_until is not None for subject in subjects
        ]
        for subject in subjects:
            attempts.record_failure(subject)
    return not any(blocked)


def _link_prefix() -> str:
    """Return the beginning of the link, under a name that belongs to this server.

    The client sets the Host header: with another server's name there, the link would lead the
    member, with the secret, to that server.
    """
    config = services().config
    names = config.allowed_names
    sent = urlsplit(f"//{request.host}").hostname or ""
    if sent in names or is_loopback(sent):
        return url_for("ui.password_form", code="", _external=True)
    if names:
        return f"{request.scheme}://{names[0]}{url_for('ui.password_form', code='')}"
    return f"{config.url}/password/"


def _send(app: Flask, email: str, by: Actor, link_prefix: str, host: str) -> None:
    try:
        with app.app_context():
            member = member_by_email(email)
            if member is None or not _has_password(member):
                return
            server = mail.parse(mail_server())
            with transaction():
                code = create_password_link(member.member_id)
                record(SERVER, "password.mail", member.name, by)
        text = _TEXT.format(host=host, link=f"{link_prefix}{code}")
        mail.send(server, member.email or email, _SUBJECT, text)
    except (OSError, smtplib.SMTPException, ConfigError, *UNREACHABLE) as error:
        log.warning("a link for a new password was not mailed: %s", type(error).__name__)
    finally:
        _sending.release()


def _has_password(member: Member) -> bool:
    """Return whether a member logs in with a password, rather than by a provider alone."""
    return member.disabled_at is None and not (member.identity and not member.password_hash)


def _page(errors: Errors, *, sent: bool = False) -> str:
    context = {"host": request.host, "errors": errors, "sent": sent, "email": sent_email()}
    return render("members/forgotten.html", **context)
