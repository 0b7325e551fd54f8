"""Creates the index of words across traces, and has all stored traces indexed."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# `text_of_payload` leaves out the references of a skeleton (0020), which are no words.
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

CREATE FUNCTION text_of_payload(payload json, is_split boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN is_split THEN (
    SELECT string_agg(segment, ' ')
    FROM json_array_elements_text(payload) WITH ORDINALITY s (segment, number)
    WHERE number > 1 AND number % 2 = 0
) ELSE payload::text END;
"""

DOWNGRADE = """
DROP FUNCTION text_of_payload(json, boolean);
DROP TABLE text_due, trace_words;
"""


def upgrade() -> None:
    """Create the tables; the worker fills them after the upgrade."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables."""
    op.execute(DOWNGRADE)
