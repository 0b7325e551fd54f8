"""The first owner of a server that asks for a login: created with the code on its console."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.members import attempts, links
from tracer.store.members.members import Member, any_member, create_member
from tracer.store.members.passwords import hash_password
from tracer.store.members.roles import OWNER, set_role
from tracer.store.projects.projects import list_projects
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.members.forms import Errors, check_email, check_name, check_password, sent_email
from tracer.web.access import audit
from tracer.web.access.addresses import client_address
from tracer.web.access.login import start_session


@bp.get("/first-owner")
def first_owner() -> AnyResponse | str:
    """Show the form; once there are members, redirect to the login."""
    if any_member():
        return redirect(url_for("ui.login"))
    return _page({}, code=request.args.get("code", ""))


@bp.post("/first-owner")
def create_first_owner() -> AnyResponse | tuple[str, int]:
    """Create the owner of all projects and administrator of the server, and log in."""
    if any_member():
        return redirect(url_for("ui.login"), 303)
    errors: Errors = {}
    email, name = sent_email(), check_name(errors)
    check_email(email, errors)
    password = check_password(errors, email, name)
    code = request.form.get("code", "").strip().upper()
    owner = (
        None if errors or not _check_code(code, errors) else _create(name, email, password, code)
    )
    if owner is None:
        errors = errors or {"code": "This code is not valid any more."}
        return _page(errors, code=code, name=name, email=email), 422
    response = redirect(url_for("ui.home"), 303)
    assert isinstance(response, Response)
    start_session(response, owner, "first owner", stay=False)
    return response


def _check_code(code: str, errors: Errors) -> bool:
    """Return whether there is no error, also in the code; wrong codes are limited like logins."""
    subject = attempts.address(client_address())
    with transaction():
        if attempts.lock_and_check(subject).blocked_until is not None:
            errors["code"] = "Too many wrong codes from this address: try again later."
        elif not links.is_valid(links.OWNER, code):
            attempts.record_failure(subject)
            errors["code"] = "This is not the code that the server printed last."
    return not errors


def _create(name: str, email: str, password: str, code: str) -> Member | None:
    hashed = hash_password(password)
    with transaction():
        # The code is consumed first, so that only one of two concurrent requests succeeds.
        if not links.use_link(links.OWNER, code) or any_member():
            return None
        owner = create_member(name, email=email, password_hash=hashed, administrator=True)
        for project in list_projects():
            set_role(project.project_id, owner.member_id, OWNER)
        audit.add("member.create", f"{owner.name} first owner")
    return owner


def _page(errors: Errors, **values: str) -> str:
    return render("members/first_owner.html", host=request.host, errors=errors, values=values)
