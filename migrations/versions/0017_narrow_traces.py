"""Splits `traces`: what lists filter, sort and count by stays, the rest is in `trace_payloads`.

The rows are copied in steps that commit, so an interrupted upgrade goes on where it ended; the
last step, in one transaction, copies what changed meanwhile and puts the new table in the place of
the old one. Until then the old table is whole, and the copy needs as much space again.
"""

from __future__ import annotations

import sys

from alembic import op
from sqlalchemy import text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CREATE = """
CREATE TABLE IF NOT EXISTS traces_narrow (
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    input_tokens BIGINT,
    output_tokens BIGINT,
    total_tokens BIGINT,
    span_count INTEGER DEFAULT 0 NOT NULL,
    running_count INTEGER DEFAULT 0 NOT NULL,
    error_count INTEGER DEFAULT 0 NOT NULL,
    warning_count INTEGER DEFAULT 0 NOT NULL,
    flagged_count INTEGER DEFAULT 0 NOT NULL,
    unpriced_count INTEGER DEFAULT 0 NOT NULL,
    public BOOLEAN DEFAULT false NOT NULL,
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    status TEXT NOT NULL,
    environment TEXT DEFAULT 'default' NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    user_id TEXT,
    session_id TEXT,
    release TEXT,
    version TEXT,
    total_cost NUMERIC,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    models JSONB DEFAULT '{}' NOT NULL,
    PRIMARY KEY (project_id, trace_id)
);

CREATE TABLE IF NOT EXISTS trace_payloads (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    root_span_id TEXT,
    root_error_count INTEGER DEFAULT 0 NOT NULL,
    priced_count INTEGER DEFAULT 0 NOT NULL,
    metered_count INTEGER DEFAULT 0 NOT NULL,
    error_message TEXT,
    input_preview TEXT,
    output_preview TEXT,
    kinds JSONB DEFAULT '{}' NOT NULL,
    usage JSONB DEFAULT '{}' NOT NULL,
    cost JSONB DEFAULT '{}' NOT NULL,
    claims JSONB DEFAULT '{}' NOT NULL,
    metadata JSONB DEFAULT '{}' NOT NULL,
    input JSON,
    output JSON,
    PRIMARY KEY (project_id, trace_id)
);
"""

NARROW = """
    start_time, end_time, updated_at, input_tokens, output_tokens, total_tokens, span_count,
    running_count, error_count, warning_count, flagged_count, unpriced_count, public, project_id,
    trace_id, status, environment, name, user_id, session_id, release, version, total_cost, tags,
    models
"""
WIDE = """
    project_id, trace_id, root_span_id, root_error_count, priced_count, metered_count,
    error_message, input_preview, output_preview, kinds, usage, cost, claims, metadata, input,
    output
"""

# Rows by their position in the file: read once and in order, and no position has to be stored.
COPY = f"""
WITH moved AS MATERIALIZED (SELECT * FROM traces t WHERE {{condition}}),
narrow AS (
    INSERT INTO traces_narrow ({NARROW}) SELECT {NARROW} FROM moved ON CONFLICT DO NOTHING
)
INSERT INTO trace_payloads ({WIDE}) SELECT {WIDE} FROM moved ON CONFLICT DO NOTHING
"""  # noqa: S608 - composed of constants; values are bound
STEP = COPY.format(condition="t.ctid >= CAST(:first AS tid) AND t.ctid < CAST(:end AS tid)")
# Every state of a trace has another `updated_at`.
MISSING = COPY.format(
    condition="""NOT EXISTS (
        SELECT FROM traces_narrow n WHERE n.project_id = t.project_id AND n.trace_id = t.trace_id
    )"""
)
OUTDATED = """
DELETE FROM traces_narrow n WHERE NOT EXISTS (
    SELECT FROM traces t WHERE t.project_id = n.project_id AND t.trace_id = n.trace_id
        AND t.updated_at = n.updated_at
);
DELETE FROM trace_payloads p WHERE NOT EXISTS (
    SELECT FROM traces_narrow n WHERE n.project_id = p.project_id AND n.trace_id = p.trace_id
);
"""
REPLACE = """
DROP TABLE traces;
ALTER TABLE traces_narrow RENAME TO traces;
ALTER INDEX traces_narrow_pkey RENAME TO traces_pkey;
"""
INDEXES = """
CREATE INDEX ix_traces_start ON traces (project_id, start_time DESC, trace_id DESC);
CREATE INDEX ix_traces_name ON traces (project_id, name, start_time DESC, trace_id DESC);
CREATE INDEX ix_traces_user ON traces (project_id, user_id, start_time DESC, trace_id DESC)
    WHERE user_id IS NOT NULL;
CREATE INDEX ix_traces_session ON traces (project_id, session_id, start_time DESC, trace_id DESC)
    WHERE session_id IS NOT NULL;
CREATE INDEX ix_traces_status ON traces (project_id, status, start_time DESC, trace_id DESC)
    WHERE status <> 'completed';
CREATE INDEX ix_traces_tags ON traces USING gin (tags);
ANALYZE traces, trace_payloads;
"""

# The columns in the order in which the revisions before this one made them.
WIDEN = """
CREATE TABLE traces_wide (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    user_id TEXT,
    session_id TEXT,
    environment TEXT DEFAULT 'default' NOT NULL,
    release TEXT,
    version TEXT,
    public BOOLEAN DEFAULT false NOT NULL,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    metadata JSONB DEFAULT '{}' NOT NULL,
    input JSON,
    output JSON,
    claims JSONB DEFAULT '{}' NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    root_span_id TEXT,
    input_preview TEXT,
    output_preview TEXT,
    error_message TEXT,
    span_count INTEGER DEFAULT 0 NOT NULL,
    running_count INTEGER DEFAULT 0 NOT NULL,
    error_count INTEGER DEFAULT 0 NOT NULL,
    warning_count INTEGER DEFAULT 0 NOT NULL,
    root_error_count INTEGER DEFAULT 0 NOT NULL,
    flagged_count INTEGER DEFAULT 0 NOT NULL,
    unpriced_count INTEGER DEFAULT 0 NOT NULL,
    priced_count INTEGER DEFAULT 0 NOT NULL,
    metered_count INTEGER DEFAULT 0 NOT NULL,
    kinds JSONB DEFAULT '{}' NOT NULL,
    models JSONB DEFAULT '{}' NOT NULL,
    usage JSONB DEFAULT '{}' NOT NULL,
    input_tokens BIGINT,
    output_tokens BIGINT,
    total_tokens BIGINT,
    cost JSONB DEFAULT '{}' NOT NULL,
    total_cost NUMERIC,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, trace_id)
);
INSERT INTO traces_wide SELECT
    project_id, trace_id, name, user_id, session_id, environment, release, version, public, tags,
    metadata, input, output, claims, start_time, end_time, status, root_span_id, input_preview,
    output_preview, error_message, span_count, running_count, error_count, warning_count,
    root_error_count, flagged_count, unpriced_count, priced_count, metered_count, kinds, models,
    usage, input_tokens, output_tokens, total_tokens, cost, total_cost, updated_at
FROM traces JOIN trace_payloads USING (project_id, trace_id);
DROP TABLE traces, trace_payloads;
ALTER TABLE traces_wide RENAME TO traces;
ALTER INDEX traces_wide_pkey RENAME TO traces_pkey;
"""

BLOCKS_PER_STEP = 2_000
"""Blocks of the old table copied per transaction: 16 MB, and about 10,000 rows."""


def upgrade() -> None:
    """Copy the rows in steps that commit, then replace the table in one transaction."""
    with op.get_context().autocommit_block():
        op.execute(CREATE)
        _copy()
    op.execute("LOCK TABLE traces IN ACCESS EXCLUSIVE MODE")
    op.execute(OUTDATED)
    op.execute(MISSING)
    op.execute(REPLACE)
    op.execute(INDEXES)


def downgrade() -> None:
    """Join the two tables again."""
    op.execute(WIDEN)
    op.execute(INDEXES.replace(", trace_payloads", ""))


def _copy() -> None:
    connection = op.get_bind()
    size = text("SELECT pg_relation_size('traces') / current_setting('block_size')::int")
    blocks = int(connection.execute(size).scalar_one())
    for first in range(0, blocks, BLOCKS_PER_STEP):
        end = first + BLOCKS_PER_STEP
        connection.execute(text(STEP), {"first": f"({first},0)", "end": f"({end},0)"})
        # Each tenth is reported once, also where a step is larger than a tenth.
        if first * 10 // blocks < end * 10 // blocks and blocks > BLOCKS_PER_STEP:
            done = min(end, blocks) / blocks
            print(f"  schema 0017: {done:.0%} of the traces are copied", file=sys.stderr)
