"""Creates the timeline of large traces: entries in time order, and their word index."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Blocks are compressed already and read with their row: so no TOAST compression, no move.
UPGRADE = """
CREATE TABLE timelines (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    first_segment INTEGER DEFAULT 0 NOT NULL,
    segment_count INTEGER DEFAULT 0 NOT NULL,
    entry_count INTEGER DEFAULT 0 NOT NULL,
    span_count INTEGER DEFAULT 0 NOT NULL,
    state_of TIMESTAMP WITH TIME ZONE,
    wanted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (project_id, trace_id)
);

CREATE INDEX ix_timelines_wanted ON timelines (wanted_at) WHERE wanted_at IS NOT NULL;

CREATE TABLE timeline_segments (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    segment INTEGER NOT NULL,
    entry_count INTEGER NOT NULL,
    starts BYTEA NOT NULL,
    PRIMARY KEY (project_id, trace_id, segment)
);

CREATE TABLE timeline_pages (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    segment INTEGER NOT NULL,
    page INTEGER NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (project_id, trace_id, segment, page)
);

CREATE TABLE timeline_words (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    segment INTEGER NOT NULL,
    first_word BYTEA NOT NULL,
    last_word BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (project_id, trace_id, segment, first_word)
);

ALTER TABLE timeline_pages ALTER body SET STORAGE EXTERNAL;
ALTER TABLE timeline_words ALTER body SET STORAGE PLAIN;
"""


def upgrade() -> None:
    """Create the tables; the background worker fills them."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables, which hold only derived data."""
    op.execute("DROP TABLE timelines, timeline_segments, timeline_pages, timeline_words")
