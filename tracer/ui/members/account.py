"""The account of a member: name, password, one-time codes, sessions, personal tokens."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.members import totp
from tracer.store.members.members import (
    Member,
    rename_member,
    set_password,
    set_totp,
    use_totp_step,
)
from tracer.store.members.passwords import hash_password, verify_password
from tracer.store.members.roles import roles_of
from tracer.store.members.sessions import end_session, end_sessions, list_sessions
from tracer.store.members.tokens import create_token, list_tokens, revoke_token
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.members.forms import Errors, check_name, check_password
from tracer.web.access import audit
from tracer.web.access.identity import identity
from tracer.web.access.login import start_session
from tracer.web.access.proxy_member import clean_name
from tracer.web.access.rights import METRICS, TOKEN_KINDS

PERIODS: Final = (("30", "30 days"), ("90", "90 days"), ("365", "a year"))
TOKEN_LABELS: Final = {
    "read": "read",
    "scores": "read, scores",
    "all": "all of my rights",
    METRICS: "metrics of the server",
}


@bp.get("/account")
def account() -> AnyResponse | str:
    """Show the account; without a login, only the name for annotations."""
    if identity().member is None:
        return redirect(url_for("ui.reader_form"))
    return _page()


@bp.post("/account/name")
def rename() -> AnyResponse | tuple[str, int]:
    """Change the member's name; earlier annotations keep the old one."""
    member, errors = _member(), Errors()
    name = check_name(errors, own=member.member_id)
    if errors:
        return _page(errors), 422
    with transaction():
        rename_member(member.member_id, name)
        audit.add("member.rename", name, before=member.name)
    return _back("profile")


@bp.post("/account/password")
def change_password() -> AnyResponse | tuple[str, int]:
    """Change the password; all other sessions end, and this one gets a new token."""
    member, errors = _member(), Errors()
    if not verify_password(member.password_hash, request.form.get("current", "")):
        errors["current"] = "This is not the current password."
    password = check_password(errors, member.name, member.email or "")
    if errors:
        return _page(errors), 422
    hashed = hash_password(password)
    with transaction():
        set_password(member.member_id, hashed)
        audit.add("password.change", member.name)
    response = _back("profile")
    start_session(response, member, "password changed", stay=False)
    return response


@bp.post("/account/codes")
def change_codes() -> AnyResponse | str | tuple[str, int]:
    """Begin, confirm or end the use of one-time codes at the login."""
    member = _member()
    if not verify_password(member.password_hash, request.form.get("current", "")):
        return _page({"codes": "This is not the current password."}), 422
    if member.totp_secret is not None:
        with transaction():
            set_totp(member.member_id, None)
            audit.add("codes.end", member.name)
        return _back("profile")
    secret = request.form.get("secret", "")
    if not secret:
        return _page(secret=totp.new_secret())
    step = _matching_step(secret)
    if step is None:
        return _page(
            {"codes": "This is not the current code of the secret. Look again."}, secret=secret
        ), 422
    with transaction():
        set_totp(member.member_id, secret)
        use_totp_step(member.member_id, step)
        audit.add("codes.begin", member.name)
    return _back("profile")


def _matching_step(secret: str) -> int | None:
    try:
        return totp.matching_step(secret, request.form.get("code", ""), time.time())
    except ValueError:
        refuse("This secret was not created by this server.")


@bp.post("/account/sessions")
def end_other_sessions() -> AnyResponse:
    """End all sessions but this one."""
    member, session = _member(), identity().session
    with transaction():
        count = end_sessions(member.member_id, keep=session.login_id if session else "")
        audit.add("session.end", f"{count} others")
    return _back("sessions")


@bp.post("/account/sessions/<login_id>")
def end_other_session(login_id: str) -> AnyResponse:
    """End one session."""
    with transaction():
        if not end_session(_member().member_id, login_id):
            abort(404, "This session has ended already.")
        audit.add("session.end", login_id)
    return _back("sessions")


@bp.post("/account/tokens")
def make_token() -> str:
    """Create a personal token and show it, once: only its hash is stored."""
    name = clean_name(request.form.get("token", ""))
    kind, days = request.form.get("kind", ""), request.form.get("days", "")
    if not name:
        refuse("Enter a name for the token.")
    if kind not in _kinds() or days not in dict(PERIODS):
        refuse("Choose the rights of the token, and how long it is valid.")
    with transaction():
        token, secret = create_token(_member().member_id, name, kind, timedelta(days=int(days)))
        audit.add("token.create", name, token_id=token.token_id, kind=kind)
    return _page(new_token=secret)


@bp.post("/account/tokens/<token_id>")
def end_token(token_id: str) -> AnyResponse:
    """Revoke a token."""
    with transaction():
        if not revoke_token(_member().member_id, token_id):
            abort(404, "This token has been revoked already.")
        audit.add("token.revoke", token_id)
    return _back("tokens")


def _member() -> Member:
    member = identity().member
    if member is None:
        abort(404, "There is no account without a login.")
    return member


def _kinds() -> dict[str, str]:
    kinds = [kind for kind in TOKEN_KINDS if kind != METRICS or identity().administers]
    return {kind: TOKEN_LABELS[kind] for kind in kinds}


def _back(part: str) -> Response:
    response = redirect(url_for("ui.account", _anchor=part), 303)
    assert isinstance(response, Response)
    return response


def _page(errors: Errors | None = None, *, secret: str = "", new_token: str = "") -> str:
    member, session = _member(), identity().session
    context: dict[str, Any] = {
        "errors": errors or {},
        "roles": roles_of(member.member_id),
        "sessions": list_sessions(member.member_id),
        "current": session.login_id if session else "",
        "tokens": list_tokens(member.member_id),
        "kinds": _kinds(),
        "periods": PERIODS,
        "new_token": new_token,
        "secret": secret,
        "otpauth": totp.enrolment_url(secret, member.email or member.name, request.host),
        "soon": datetime.now(UTC) + timedelta(days=7),
    }
    return render("members/account.html", **context)
