"""An invitation: its page, and joining the project with it."""

from __future__ import annotations

import dataclasses

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.database.session import transaction
from tracer.store.members.invitations import Invitation, accept_invitation, find_invitation
from tracer.store.members.members import Member, create_member, get_member, member_by_email
from tracer.store.members.passwords import hash_password
from tracer.store.members.roles import raise_role
from tracer.store.projects.projects import get_project
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.members.forms import Errors, check_name, check_password
from tracer.web.access import audit
from tracer.web.access.identity import identify_page_request
from tracer.web.access.login import start_session


@bp.get("/invitation/<token>")
def invitation(token: str) -> str:
    """Show what the invitation is for, and the form to join."""
    with transaction():
        opened = find_invitation(token, opened=True)
    return _page(_require_valid(opened), {})


@bp.post("/invitation/<token>")
def join(token: str) -> AnyResponse | tuple[str, int]:
    """Join the project: as the member who is logged in, or as a new one."""
    opened = _require_valid(find_invitation(token))
    visitor = identify_page_request().member
    if visitor is not None:
        with transaction():
            _accept(opened, visitor)
        return redirect(url_for("ui.trace_list", project_id=opened.project_id), 303)
    errors: Errors = {}
    if member_by_email(opened.email) is not None:
        errors["address"] = "There is a member with this address: sign in, then open the link."
        return _page(opened, errors), 422
    name = check_name(errors)
    password = check_password(errors, name, opened.email)
    if errors:
        return _page(opened, errors, name=name), 422
    hashed = hash_password(password)
    with transaction():
        member = create_member(name, email=opened.email, password_hash=hashed)
        _accept(opened, member)
    response = redirect(url_for("ui.trace_list", project_id=opened.project_id), 303)
    assert isinstance(response, Response)
    start_session(response, member, "invitation", stay=False)
    return response


def _accept(opened: Invitation, member: Member) -> None:
    if not accept_invitation(opened.invitation_id):
        abort(404, "This invitation has been used already.")
    raise_role(opened.project_id, member.member_id, opened.role)
    # The actor is the member, who may not be logged in yet.
    by = dataclasses.replace(audit.actor(), name=member.name, actor_id=member.member_id)
    audit.add("invitation.accept", f"{member.name} {opened.role}", opened.project_id, by=by)


def _require_valid(opened: Invitation | None) -> Invitation:
    if opened is None:
        abort(404, "This invitation is not valid: it was used or withdrawn, or has expired.")
    return opened


def _page(opened: Invitation, errors: Errors, *, name: str = "") -> str:
    inviter = get_member(opened.invited_by)
    return render(
        "members/invitation.html",
        host=request.host,
        invitation=opened,
        inviter=inviter.name if inviter else "The administrator",
        shared=get_project(opened.project_id),
        visitor=identify_page_request().member,
        errors=errors,
        name=name,
    )
