"""Entries of the audit log about the current request."""

from __future__ import annotations

from typing import Any

from flask import g, request

from tracer.store.database.session import transaction
from tracer.store.members.audit import SERVER, Actor, record
from tracer.web.access.addresses import client_address


def actor() -> Actor:
    """Return who sends this request, as the audit log names it."""
    identity = g.identity
    via, name, actor_id = "", "anyone", ""
    if identity.local:
        via, name = "loopback", "local"
    elif identity.key is not None:
        via, name, actor_id = "key", identity.key.name, identity.key.key_id
    elif identity.member is not None:
        via = "token" if identity.token else "session" if identity.session else "proxy"
        name, actor_id = identity.member.name, identity.member.member_id
    return Actor(
        name=name,
        actor_id=actor_id,
        via=via,
        address=client_address(),
        request_id=g.get("request_id", ""),
    )


def add(
    action: str,
    subject: str,
    project_id: str = SERVER,
    *,
    by: Actor | None = None,
    fold: bool = False,
    **detail: Any,
) -> None:
    """Add an entry in the open transaction; the automatic entry of the request is left out."""
    g.audited = True
    record(project_id, action, subject, by or actor(), detail, fold=fold)


def add_change(project_id: str, subject: str) -> None:
    """Add an entry for a successful request, named after its route, in a transaction of its own."""
    action = (request.endpoint or "").rpartition(".")[2]
    with transaction():
        record(project_id, action, subject, actor())


def add_refusal(project_id: str, right: str) -> None:
    """Add an entry for a request that the policy refused; repeats are counted."""
    with transaction():
        record(project_id, "refused", f"{request.method} {right}", actor(), fold=True)
