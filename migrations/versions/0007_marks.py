"""Creates bookmarks, comments, manual scores, share links, and tombstones of deleted traces."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE bookmarks (
    project_id TEXT NOT NULL,
    trace_id TEXT DEFAULT '' NOT NULL,
    session_id TEXT DEFAULT '' NOT NULL,
    author TEXT,
    author_id TEXT,
    member_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, trace_id, session_id)
);

CREATE TABLE comments (
    project_id TEXT NOT NULL,
    trace_id TEXT DEFAULT '' NOT NULL,
    comment_id TEXT NOT NULL,
    session_id TEXT DEFAULT '' NOT NULL,
    span_id TEXT,
    text TEXT NOT NULL,
    history JSONB DEFAULT '[]' NOT NULL,
    author TEXT,
    author_id TEXT,
    member_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    edited_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (project_id, trace_id, comment_id)
);

CREATE INDEX ix_comments_id ON comments (project_id, comment_id);

CREATE INDEX ix_comments_session ON comments (project_id, session_id) WHERE session_id <> '';

CREATE TABLE shares (
    project_id TEXT NOT NULL,
    trace_id TEXT DEFAULT '' NOT NULL,
    share_id TEXT NOT NULL,
    session_id TEXT DEFAULT '' NOT NULL,
    token_hash TEXT NOT NULL,
    hint TEXT NOT NULL,
    show_comments BOOLEAN DEFAULT false NOT NULL,
    author TEXT,
    author_id TEXT,
    member_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (project_id, trace_id, share_id)
);

CREATE INDEX ix_shares_token ON shares (token_hash);

CREATE TABLE tombstones (
    project_id TEXT NOT NULL,
    trace_hash TEXT NOT NULL,
    trace_id TEXT,
    deleted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, trace_hash)
);

CREATE INDEX ix_tombstones_left ON tombstones (deleted_at) WHERE trace_id IS NOT NULL;

CREATE TABLE secrets (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);

ALTER TABLE scores ADD COLUMN author TEXT;
ALTER TABLE scores ADD COLUMN author_id TEXT;
ALTER TABLE scores ADD COLUMN member_id TEXT;

CREATE INDEX ix_scores_latest ON scores (project_id, trace_id, time DESC);

CREATE INDEX ix_scores_id ON scores (project_id, score_id);

CREATE INDEX ix_scores_by_hand ON scores (project_id, time DESC) WHERE source = 'annotation';

DROP INDEX ix_scores_session;
CREATE INDEX ix_scores_session ON scores (project_id, session_id, time DESC)
    WHERE session_id IS NOT NULL;
"""

# Edited tags become the tags of the trace; the distinction from sent tags is lost.
DOWNGRADE = """
DROP INDEX ix_scores_session;
CREATE INDEX ix_scores_session ON scores (project_id, session_id) WHERE session_id IS NOT NULL;
DROP INDEX ix_scores_by_hand;
DROP INDEX ix_scores_id;
DROP INDEX ix_scores_latest;
ALTER TABLE scores DROP COLUMN author, DROP COLUMN author_id, DROP COLUMN member_id;
DROP TABLE secrets, tombstones, shares, comments, bookmarks;
UPDATE traces SET claims = claims - 'tag_edits' - 'tags' WHERE claims ? 'tag_edits';
"""


def upgrade() -> None:
    """Create the tables, empty."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the annotations."""
    op.execute(DOWNGRADE)
