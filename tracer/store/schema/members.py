"""Tables of members: sessions, roles, invitations, tokens, login attempts, and the audit log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import text

from tracer.store.schema.base import Time, count_column, metadata, now_column


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


# `identity` names a member of an identity provider or proxy; `totp_step` is the last used step.
members = Table(
    "members",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("email", Text),
    _text("name"),
    Column("password_hash", Text),
    Column("password_changed_at", Time),
    Column("identity", Text),
    Column("administrator", Boolean, nullable=False, server_default=text("false")),
    Column("totp_secret", Text),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    now_column("created_at"),
    Column("seen_at", Time),
    Column("disabled_at", Time),
    Index("ix_members_email", text("lower(email)"), unique=True),
    Index("ix_members_name", text("lower(name)"), unique=True),
    Index("ix_members_identity", "identity", unique=True),
)

roles = Table(
    "roles",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("member_id", Text, primary_key=True),
    _text("role"),
    now_column("created_at"),
    Index("ix_roles_member", "member_id"),
)

# Of the cookie's token only a hash is stored; `login_id` names the session on pages.
member_sessions = Table(
    "member_sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _text("login_id"),
    _text("member_id"),
    _text("address"),
    _text("user_agent"),
    now_column("created_at"),
    now_column("seen_at"),
    Column("expires_at", Time, nullable=False),
    Index("ix_member_sessions_member", "member_id"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", Text, primary_key=True),
    _text("project_id"),
    _text("token_hash"),
    _text("email"),
    _text("role"),
    _text("invited_by"),
    count_column("opened"),
    now_column("created_at"),
    Column("expires_at", Time, nullable=False),
    Column("accepted_at", Time),
    Index("ix_invitations_token", "token_hash", unique=True),
    Index("ix_invitations_project", "project_id"),
)

# Links that create the first owner, or set a new password: deleted when they are used.
one_time_links = Table(
    "one_time_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _text("purpose"),
    Column("member_id", Text),
    now_column("created_at"),
    Column("expires_at", Time, nullable=False),
)

personal_tokens = Table(
    "personal_tokens",
    metadata,
    Column("token_id", Text, primary_key=True),
    _text("member_id"),
    _text("name"),
    _text("kind"),
    _text("token_hash"),
    _text("hint"),
    now_column("created_at"),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time),
    Column("revoked_at", Time),
    Index("ix_personal_tokens_hash", "token_hash", unique=True),
    Index("ix_personal_tokens_member", "member_id"),
)

# Failed logins by subject: an account or a network address.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_failure_at", Time, nullable=False),
    Column("blocked_until", Time),
)

# `project_id` is empty for what concerns the server; `repeats` counts equal events in a row.
audit_events = Table(
    "audit_events",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    now_column("time"),
    _text("action"),
    _text("subject"),
    _text("actor"),
    _text("actor_id"),
    _text("via"),
    _text("address"),
    _text("request_id"),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Column("repeats", Integer, nullable=False, server_default="1"),
    Index("ix_audit_events_time", text("time DESC"), text("event_id DESC")),
    Index("ix_audit_events_project", "project_id", text("time DESC"), text("event_id DESC")),
)
