"""The identity of a request: key, personal token, session, header of a proxy, or local."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from flask import g, request
from werkzeug.datastructures import Authorization

from tracer.config import is_loopback
from tracer.errors import Unauthorized
from tracer.store.database.session import release, transaction
from tracer.store.members import tokens
from tracer.store.members.audit import Actor, record
from tracer.store.members.members import Member, any_member, mark_seen
from tracer.store.members.roles import OWNER, role_in, roles_of
from tracer.store.members.sessions import Session, find_session, is_stale, touch_session
from tracer.store.members.tokens import find_token, mark_token_used, was_used_lately
from tracer.store.projects.keys import ApiKey, authenticate, ended_key, mark_key_used
from tracer.store.projects.projects import DEFAULT_PROJECT, Project, list_projects
from tracer.web.access.addresses import client_address
from tracer.web.access.cookies import session_token
from tracer.web.access.missing_keys import is_missing_key, missing_key_message
from tracer.web.access.proxy_member import member_of_proxy
from tracer.web.access.rights import (
    EVERYTHING,
    NOTHING,
    RIGHTS_OF_KEY,
    RIGHTS_OF_ROLE,
    RIGHTS_OF_TOKEN,
    Right,
)
from tracer.web.services import services

PROJECT_HEADER: Final = "Tracer-Project"
_NO_KEY: Final = "expected a key: Authorization: Basic public:secret, or Bearer secret"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who sends a request: at most one of `key`, `token` and `session`, and the member, if any."""

    local: bool = False
    """Without login, on the machine itself: everything is allowed."""
    key: ApiKey | None = None
    token: tokens.PersonalToken | None = None
    session: Session | None = None
    member: Member | None = None

    @property
    def is_known(self) -> bool:
        """Whether the request comes from a member, a key, or the machine itself."""
        return self.local or self.key is not None or self.member is not None

    @property
    def administers(self) -> bool:
        """Whether the request comes from a server administrator, or from the machine itself."""
        if self.token is not None and Right.SERVER not in RIGHTS_OF_TOKEN[self.token.kind]:
            return False
        return self.local or (self.member is not None and self.member.administrator)

    def rights(self, project_id: str) -> frozenset[Right]:
        """Return the rights in a project; empty: not even its existence may be visible."""
        if self.local:
            return EVERYTHING
        if self.key is not None:
            return RIGHTS_OF_KEY.get(self.key.kind, NOTHING) if self._is_of(project_id) else NOTHING
        if self.member is None:
            return NOTHING
        role = OWNER if self.member.administrator else role_in(self.member.member_id, project_id)
        rights = RIGHTS_OF_ROLE[role] if role else NOTHING
        if self.member.administrator:
            rights |= {Right.SERVER}
        return rights if self.token is None else rights & RIGHTS_OF_TOKEN[self.token.kind]

    def _is_of(self, project_id: str) -> bool:
        return self.key is not None and self.key.project_id == project_id

    def project_ids(self) -> list[str]:
        """Return the projects that may be read, by name."""
        if self.key is not None:
            return [self.key.project_id]
        if self.member is not None and not self.administers:
            return list(roles_of(self.member.member_id))
        return [project.project_id for project in list_projects()] if self.is_known else []

    def readable_projects(self) -> list[Project]:
        """Return the projects that may be read, by name."""
        projects = list_projects()
        if self.administers:
            return projects
        own = set(self.project_ids())
        return [project for project in projects if project.project_id in own]


ANONYMOUS: Final = Identity()


def identity() -> Identity:
    """Return the identity of this request, which `check_access` has set."""
    current: Identity = g.identity
    return current


def login_required() -> bool:
    """Return whether this request needs a login or key.

    On loopback it does once there are members, or with TRACER_LOGIN=always. A server that another
    machine can reach always does, whatever TRACER_HOST is: `gunicorn -b 0.0.0.0 wsgi:app`.
    """
    if services().config.needs_login:
        return True
    return not is_loopback(client_address()) or members_exist()


def members_exist() -> bool:
    """Return whether there are members; cached, so a first one may be seen a second later."""
    return services().members.ask(any_member)


def identify_page_request() -> Identity:
    """Return the identity of a request for a page."""
    token = session_token()
    session_and_member = find_session(token) if token else None
    if session_and_member is not None:
        session, member = session_and_member
        if is_stale(session, datetime.now(UTC)):
            with transaction():
                touch_session(session.login_id, client_address())
                mark_seen(member.member_id)
        return Identity(session=session, member=member)
    if not login_required():
        return Identity(local=True)
    proxied = member_of_proxy()
    return Identity(member=proxied) if proxied is not None else ANONYMOUS


def identify_api_request() -> Identity:
    """Return the identity of a request to an API.

    Raises Unauthorized without a valid key or token, where one is needed.
    """
    header = request.headers.get("Authorization")
    if header is None:
        if login_required():
            raise Unauthorized(_NO_KEY)
        release()
        return Identity(local=True)
    sent = request.authorization
    if is_missing_key(sent, header):
        raise Unauthorized(missing_key_message(sent, on_loopback=not login_required()))
    name, secret = _credentials(sent)
    sender = _of_token(secret) if secret.startswith(tokens.PREFIX) else _of_key(name, secret)
    # A write waits for the writer thread: release the connection for that time.
    release()
    return sender


def project_of_api_request(sender: Identity) -> str:
    """Return the project that a request to an API is about.

    A personal token names it in the header Tracer-Project, or as the user name of Basic; without,
    it is the member's only project. Raises Unauthorized.
    """
    if sender.key is not None:
        return sender.key.project_id
    if sender.token is None:
        return DEFAULT_PROJECT
    sent = request.authorization
    project_id = request.headers.get(PROJECT_HEADER) or (sent.username if sent else None)
    if project_id:
        return str(project_id)
    project_ids = sender.project_ids()
    if len(project_ids) != 1:
        raise Unauthorized(
            f"a personal token of several projects: name one in the header {PROJECT_HEADER}"
        )
    return project_ids[0]


def _credentials(sent: Authorization | None) -> tuple[str | None, str]:
    if sent is not None and sent.type == "basic" and sent.password:
        return sent.username or None, sent.password
    if sent is not None and sent.type == "bearer" and sent.token:
        return None, sent.token
    raise Unauthorized("expected Authorization: Basic public:secret, or Bearer secret")


def _of_key(name: str | None, secret: str) -> Identity:
    key = authenticate(name, secret)
    if key is None:
        _note_refusal(secret)
        raise Unauthorized("this key is not valid, or has been revoked or has expired")
    if services().key_uses.is_due(key.key_id):
        with transaction():
            mark_key_used(key.key_id)
    return Identity(key=key)


def _note_refusal(secret: str) -> None:
    """Add to the audit log that a program still sends a key that has ended, once a minute."""
    ended = ended_key(secret)
    if ended is None or not services().key_uses.is_due(f"refused {ended.key_id}"):
        return
    request_id = g.get("request_id", "")
    actor = Actor(name="anyone", via="key", address=client_address(), request_id=request_id)
    detail = {"key_id": ended.key_id, "reason": "revoked" if ended.revoked_at else "expired"}
    with transaction():
        record(ended.project_id, "key.refused", ended.name, actor, detail, fold=True)


def _of_token(secret: str) -> Identity:
    token_and_member = find_token(secret)
    if token_and_member is None:
        raise Unauthorized("this token is not valid, or has been revoked or has expired")
    token, member = token_and_member
    if not was_used_lately(token.used_at, datetime.now(UTC)):
        with transaction():
            mark_token_used(token.token_id)
    return Identity(token=token, member=member)
