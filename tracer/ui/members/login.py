"""Signing in and out, and setting a new password by a one-time link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.members import attempts, links
from tracer.store.members.audit import Actor
from tracer.store.members.mail_server import mail_server
from tracer.store.members.members import any_member, get_member, set_password
from tracer.store.members.passwords import hash_password
from tracer.store.members.sessions import end_session
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.base.same_origin import path_of_this_server
from tracer.ui.members.forms import Errors, check_password, sent_email
from tracer.web.access import audit
from tracer.web.access.addresses import client_address
from tracer.web.access.cookies import clear_session
from tracer.web.access.identity import identify_page_request, identity
from tracer.web.access.login import Outcome, log_in, start_session


@bp.get("/login")
def login() -> AnyResponse | str:
    """Show the form; redirect a member who is logged in."""
    after = path_of_this_server(request.args.get("next", ""))
    if identify_page_request().is_known:
        return redirect(after or url_for("ui.home"))
    if not any_member():
        return redirect(url_for("ui.first_owner"))
    return _login_page(after, Outcome())


@bp.post("/login")
def sign_in() -> AnyResponse | tuple[str, int]:
    """Log in, or show the reason of the failure."""
    after = path_of_this_server(request.form.get("next", ""))
    outcome = log_in(
        sent_email(), request.form.get("password", ""), request.form.get("code", "").strip()
    )
    if outcome.member is None:
        status = 429 if outcome.blocked_until is not None else 401
        return _login_page(after, outcome, failed=True), status
    response = redirect(after or url_for("ui.home"), 303)
    assert isinstance(response, Response)
    start_session(response, outcome.member, "password", stay="stay" in request.form)
    return response


@bp.post("/logout")
def sign_out() -> AnyResponse:
    """End the session."""
    session = identity().session
    if session is not None:
        with transaction():
            end_session(session.member_id, session.login_id)
            audit.add("logout", "")
    response = redirect(url_for("ui.login"), 303)
    assert isinstance(response, Response)
    clear_session(response)
    return response


@bp.get("/password/<code>")
def password_form(code: str) -> str:
    """Show the form for a new password."""
    if not links.is_valid(links.PASSWORD, code):
        abort(404, "This link is not valid: it has been used, has expired, or never existed.")
    return _password_page({})


@bp.post("/password/<code>")
def reset_password(code: str) -> AnyResponse | tuple[str, int]:
    """Set a new password; all sessions of the member end."""
    member = get_member(links.member_of_link(links.PASSWORD, code) or "")
    if member is None:
        abort(404, "This link is not valid: it has been used, has expired, or never existed.")
    errors: Errors = {}
    password = check_password(errors, member.name, member.email or "")
    if errors:
        return _password_page(errors), 422
    hashed = hash_password(password)
    with transaction():
        if not links.use_link(links.PASSWORD, code):
            abort(404, "This link has been used already.")
        set_password(member.member_id, hashed)
        attempts.clear_failures(attempts.account(member.email or ""))
        by = Actor(name=member.name, via="link", address=client_address(), request_id=g.request_id)
        audit.add("password.reset", member.name, by=by)
    return redirect(url_for("ui.login"), 303)


def _login_page(after: str, outcome: Outcome, *, failed: bool = False) -> str:
    blocked = outcome.blocked_until
    wait = (blocked - datetime.now(UTC)).total_seconds() if blocked else 0
    context: dict[str, Any] = {
        "host": request.host,
        "after": after,
        "email": sent_email() if failed else "",
        "outcome": outcome,
        "failed": failed,
        "minutes": max(1, round(wait / 60)),
        "sends_mail": bool(mail_server()),
    }
    return render("members/login.html", **context)


def _password_page(errors: Errors) -> str:
    return render("members/password.html", host=request.host, errors=errors)
