"""Creates the index of words across traces, and has all stored traces indexed."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Timelines are built again when they are opened: words of Thai, Lao, Burmese and Khmer are now
# pairs of characters.
UPGRADE = """
CREATE TABLE trace_words (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    words TSVECTOR NOT NULL,
    PRIMARY KEY (project_id, trace_id)
) WITH (toast_tuple_target = 128);
CREATE INDEX ix_trace_words ON trace_words USING gin (words);

CREATE TABLE text_due (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    change BIGINT DEFAULT txid_current() NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, trace_id, change)
);
INSERT INTO text_due (project_id, trace_id) SELECT project_id, trace_id FROM traces;

UPDATE timelines SET state_of = NULL;
"""

DOWNGRADE = """
DROP TABLE text_due, trace_words;
"""


def upgrade() -> None:
    """Create the tables; the worker fills them after the upgrade."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    op.execute(DOWNGRADE)
