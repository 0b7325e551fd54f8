"""Finds or creates the member for a login, and sets the roles of the person's groups."""

from __future__ import annotations

from contextlib import suppress

from tracer.errors import Conflict
from tracer.store.members.members import (
    Member,
    connect_identity,
    create_member,
    member_by_email,
    member_by_identity,
    set_administrator,
)
from tracer.store.members.roles import ROLES, raise_role, role_in, set_role
from tracer.store.projects.projects import get_project
from tracer.web.access.proxy_member import clean_name
from tracer.web.oidc.provider import Person, Provider, Rule


def member_for(provider: Provider, person: Person, *, invited: bool) -> Member | None:
    """Return the member, in an open transaction; None: this person may not log in.

    A member is connected by an address only if the provider has verified the address. A new member
    needs a rule for its domain or group, or an invitation.
    """
    member = member_by_identity(person.identity)
    if member is None and person.email is not None:
        existing = member_by_email(person.email)
        if existing is not None and existing.identity is None:
            connect_identity(existing.member_id, person.identity)
            member = existing
    may_join = invited or _matching_rules(provider, person) or _is_administrator(provider, person)
    if member is None and not may_join:
        return None
    if member is None:
        email = person.email
        if email is not None and member_by_email(email) is not None:
            email = None  # another member has it, by another identity
        member = create_member(
            clean_name(person.name) or "member", email=email, identity=person.identity
        )
    if member.disabled_at is not None:
        return None
    _apply_roles(provider, person, member)
    return member


def _matching_rules(provider: Provider, person: Person) -> list[Rule]:
    domain = (person.email or "").rpartition("@")[2].lower()
    return [
        *(rule for rule in provider.domains if domain and rule.subject.lower() == domain),
        *(rule for rule in provider.groups if rule.subject in person.groups),
    ]


def _is_administrator(provider: Provider, person: Person) -> bool:
    return bool(provider.administrators) and provider.administrators in person.groups


def _apply_roles(provider: Provider, person: Person, member: Member) -> None:
    """Give the roles of the person's groups; take those of groups that the person has left."""
    best: dict[str, str] = {}
    for rule in _matching_rules(provider, person):
        other = best.get(rule.project_id, rule.role)
        best[rule.project_id] = max(other, rule.role, key=ROLES.index)
    for project_id in {rule.project_id for rule in provider.groups} | best.keys():
        if get_project(project_id) is not None:
            _set_role(provider, project_id, member.member_id, best.get(project_id))
    if provider.administrators:
        set_administrator(member.member_id, _is_administrator(provider, person))


def _set_role(provider: Provider, project_id: str, member_id: str, role: str | None) -> None:
    """Set the role that the rules give, in place of one of a group; one given by hand stays."""
    current = role_in(member_id, project_id)
    of_groups = {rule.role for rule in provider.groups if rule.project_id == project_id}
    if current in of_groups and current != role:
        # The last owner of a project stays, whatever the groups are.
        with suppress(Conflict):
            set_role(project_id, member_id, role)
    elif role is not None:
        raise_role(project_id, member_id, role)
