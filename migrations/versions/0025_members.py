"""Creates members, sessions, roles, invitations, tokens, the audit log; gives keys a kind."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE members (
    member_id TEXT NOT NULL,
    email TEXT,
    name TEXT NOT NULL,
    password_hash TEXT,
    password_changed_at TIMESTAMP WITH TIME ZONE,
    identity TEXT,
    administrator BOOLEAN DEFAULT false NOT NULL,
    totp_secret TEXT,
    totp_step BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    disabled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (member_id)
);
CREATE UNIQUE INDEX ix_members_email ON members (lower(email));
CREATE UNIQUE INDEX ix_members_name ON members (lower(name));
CREATE UNIQUE INDEX ix_members_identity ON members (identity);

CREATE TABLE roles (
    project_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, member_id)
);
CREATE INDEX ix_roles_member ON roles (member_id);

CREATE TABLE member_sessions (
    token_hash TEXT NOT NULL,
    login_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (token_hash)
);
CREATE INDEX ix_member_sessions_member ON member_sessions (member_id);

CREATE TABLE invitations (
    invitation_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    opened INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (invitation_id)
);
CREATE UNIQUE INDEX ix_invitations_token ON invitations (token_hash);
CREATE INDEX ix_invitations_project ON invitations (project_id);

CREATE TABLE one_time_links (
    token_hash TEXT NOT NULL,
    purpose TEXT NOT NULL,
    member_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (token_hash)
);

CREATE TABLE personal_tokens (
    token_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    hint TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (token_id)
);
CREATE UNIQUE INDEX ix_personal_tokens_hash ON personal_tokens (token_hash);
CREATE INDEX ix_personal_tokens_member ON personal_tokens (member_id);

CREATE TABLE login_attempts (
    subject TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_failure_at TIMESTAMP WITH TIME ZONE NOT NULL,
    blocked_until TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (subject)
);

CREATE TABLE audit_events (
    project_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    time TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT NOT NULL,
    request_id TEXT NOT NULL,
    detail JSONB DEFAULT '{}' NOT NULL,
    repeats INTEGER DEFAULT 1 NOT NULL,
    PRIMARY KEY (project_id, event_id)
);
CREATE INDEX ix_audit_events_time ON audit_events (time DESC, event_id DESC);
CREATE INDEX ix_audit_events_project ON audit_events (project_id, time DESC, event_id DESC);

ALTER TABLE api_keys
    ADD COLUMN kind TEXT DEFAULT 'all' NOT NULL,
    ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN used_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN created_by TEXT;

ALTER TABLE projects
    ADD COLUMN archived_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN deleted_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN cors_origins TEXT[] DEFAULT '{}' NOT NULL;
"""

# A key of one kind would gain all rights, so it is removed; the data of a deleted project goes on
# being purged by nobody, so its project becomes visible again.
DOWNGRADE = """
DELETE FROM api_keys WHERE kind <> 'all' OR expires_at IS NOT NULL;
ALTER TABLE api_keys
    DROP COLUMN kind, DROP COLUMN expires_at, DROP COLUMN used_at, DROP COLUMN created_by;
ALTER TABLE projects
    DROP COLUMN archived_at, DROP COLUMN deleted_at, DROP COLUMN cors_origins;
DROP TABLE audit_events, login_attempts, personal_tokens, one_time_links, invitations,
    member_sessions, roles, members;
"""


def upgrade() -> None:
    """Create the tables, empty; existing keys keep all rights."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop members and all that belongs to them."""
    op.execute(DOWNGRADE)
