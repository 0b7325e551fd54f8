"""The members of a project: invitations, roles, removal, links for a new password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Conflict, NotFound
from tracer.store.database.session import transaction
from tracer.store.members.invitations import (
    create_invitation,
    get_invitation,
    list_invitations,
    withdraw_invitation,
)
from tracer.store.members.links import create_password_link
from tracer.store.members.members import get_member, member_by_email
from tracer.store.members.roles import (
    MEMBER,
    OWNER,
    ROLES,
    list_project_members,
    role_in,
    roles_of,
    set_role,
)
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.members.forms import Errors, check_email, sent_email
from tracer.web.access import audit
from tracer.web.access.check import may
from tracer.web.access.identity import identity

PERIODS: Final = (("1", "1 day"), ("7", "7 days"), ("30", "30 days"))
_INACTIVE: Final = timedelta(days=90)


@bp.get("/project/<project_id>/settings/members")
def member_list(project_id: str) -> str:
    """Show members and invitations."""
    return _page(project_id)


@bp.post("/project/<project_id>/settings/members/invitations")
def invite(project_id: str) -> AnyResponse | str | tuple[str, int]:
    """Create an invitation and show its link, once; a member of the server joins at once."""
    errors: Errors = {}
    email, role, days = sent_email(), request.form.get("role", ""), request.form.get("days", "")
    check_email(email, errors)
    if errors:
        return _page(project_id, errors=errors), 422
    _check_role(role)
    if days not in dict(PERIODS):
        refuse("Choose how long the invitation is valid.")
    existing_member = member_by_email(email)
    with transaction():
        if existing_member is not None:
            set_role(project_id, existing_member.member_id, role)
            audit.add("role.change", f"{existing_member.name} {role}", project_id)
        else:
            inviter = identity().member
            _, token = create_invitation(
                project_id,
                email,
                role,
                inviter.member_id if inviter else "",
                timedelta(days=int(days)),
            )
            audit.add("invitation.create", f"{email} {role}", project_id)
    if existing_member is not None:
        return redirect(url_for("ui.member_list", project_id=project_id), 303)
    link = url_for("ui.invitation", token=token, _external=True)
    return _page(project_id, new_link=link, link_for=email)


@bp.post("/project/<project_id>/settings/members/invitations/<invitation_id>")
def change_invitation(project_id: str, invitation_id: str) -> AnyResponse | str:
    """Withdraw an invitation, or with ``action=renew`` replace it by a new link."""
    invitation = get_invitation(project_id, invitation_id)
    if invitation is None:
        abort(404, "This invitation does not exist; it may have been deleted.")
    if request.form.get("action") != "renew":
        with transaction():
            withdraw_invitation(project_id, invitation_id)
            audit.add("invitation.withdraw", invitation.email, project_id)
        return redirect(url_for("ui.member_list", project_id=project_id), 303)
    _check_role(invitation.role)
    inviter = identity().member
    with transaction():
        _, token = create_invitation(
            project_id,
            invitation.email,
            invitation.role,
            inviter.member_id if inviter else "",
            invitation.expires_at - invitation.created_at,
        )
        audit.add("invitation.renew", f"{invitation.email} {invitation.role}", project_id)
    link = url_for("ui.invitation", token=token, _external=True)
    return _page(project_id, new_link=link, link_for=invitation.email)


@bp.post("/project/<project_id>/settings/members/<member_id>")
def change_member(project_id: str, member_id: str) -> AnyResponse | str:
    """Change the role of a member, or remove the member from the project (role "")."""
    member, previous_role = get_member(member_id), role_in(member_id, project_id)
    if member is None or previous_role is None:
        raise NotFound.of("member", member_id)
    role = request.form.get("role", "")
    if role:
        _check_role(role)
    if previous_role == OWNER and not may("own"):
        abort(403, "Only an owner can change the role of an owner.")
    try:
        with transaction():
            set_role(project_id, member_id, role or None)
            change = f"{member.name} {role or 'removed'}"
            audit.add("role.change", change, project_id, before=previous_role)
    except Conflict as conflict:
        refuse(f"Not changed: {conflict}.")
    return redirect(url_for("ui.member_list", project_id=project_id), 303)


@bp.post("/server/members/<member_id>/password")
def password_link(member_id: str) -> str:
    """Create a link with which a member sets a new password; for server administrators."""
    member = get_member(member_id)
    if member is None:
        abort(404, f"This server has no member “{member_id}”.")
    with transaction():
        code = create_password_link(member_id)
        audit.add("password.link", member.name)
    link = url_for("ui.password_form", code=code, _external=True)
    return render("members/link.html", member=member, link=link)


def _check_role(role: str) -> None:
    if role not in ROLES:
        refuse("Choose a role.")
    if role == OWNER and not may("own"):
        abort(403, "Only an owner can make another owner.")


def _page(
    project_id: str, *, errors: Errors | None = None, new_link: str = "", link_for: str = ""
) -> str:
    rows = list_project_members(project_id)
    other_projects = set(identity().project_ids()) - {project_id}
    visitor = identity().member
    context: dict[str, Any] = {
        "rows": rows,
        "other_roles": {
            row.member_id: {
                other_id: role
                for other_id, role in roles_of(row.member_id).items()
                if other_id in other_projects
            }
            for row in rows
        },
        "invitations": list_invitations(project_id),
        "roles": [role for role in reversed(ROLES) if role != OWNER or may("own")],
        "default_role": MEMBER,
        "owners": sum(row.role == OWNER for row in rows),
        "you": visitor.member_id if visitor else "",
        "periods": PERIODS,
        "errors": errors or {},
        "new_link": new_link,
        "link_for": link_for,
        "inactive_before": datetime.now(UTC) - _INACTIVE,
    }
    return render("members/members.html", **context)
