"""Creates projects, API keys, traces, spans, span payloads, scores and sessions."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE projects (
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id)
);

CREATE TABLE api_keys (
    key_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    secret_hint TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (key_id),
    UNIQUE (public_key),
    UNIQUE (secret_hash)
);

CREATE INDEX ix_api_keys_project ON api_keys (project_id);

CREATE TABLE traces (
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
    span_count INTEGER DEFAULT '0' NOT NULL,
    running_count INTEGER DEFAULT '0' NOT NULL,
    error_count INTEGER DEFAULT '0' NOT NULL,
    warning_count INTEGER DEFAULT '0' NOT NULL,
    root_error_count INTEGER DEFAULT '0' NOT NULL,
    flagged_count INTEGER DEFAULT '0' NOT NULL,
    unpriced_count INTEGER DEFAULT '0' NOT NULL,
    priced_count INTEGER DEFAULT '0' NOT NULL,
    metered_count INTEGER DEFAULT '0' NOT NULL,
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

CREATE INDEX ix_traces_name ON traces (project_id, name, start_time DESC, trace_id DESC);

CREATE INDEX ix_traces_session ON traces
    (project_id, session_id, start_time DESC, trace_id DESC)
    WHERE session_id IS NOT NULL;

CREATE INDEX ix_traces_start ON traces (project_id, start_time DESC, trace_id DESC);

CREATE INDEX ix_traces_status ON traces
    (project_id, status, start_time DESC, trace_id DESC)
    WHERE status <> 'completed';

CREATE INDEX ix_traces_tags ON traces USING gin (tags);

CREATE INDEX ix_traces_user ON traces
    (project_id, user_id, start_time DESC, trace_id DESC)
    WHERE user_id IS NOT NULL;

CREATE TABLE spans (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    parent_span_id TEXT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE,
    first_token_time TIMESTAMP WITH TIME ZONE,
    status TEXT NOT NULL,
    level TEXT NOT NULL,
    status_message TEXT,
    model TEXT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    total_tokens BIGINT,
    total_cost NUMERIC,
    flags TEXT[],
    placeholder BOOLEAN DEFAULT false NOT NULL,
    patched BOOLEAN DEFAULT false NOT NULL,
    covered BOOLEAN DEFAULT false NOT NULL,
    call_id TEXT,
    echo BOOLEAN DEFAULT false NOT NULL,
    version BIGINT,
    PRIMARY KEY (project_id, trace_id, span_id)
);

CREATE INDEX ix_spans_call ON spans
    (project_id, trace_id, call_id)
    WHERE call_id IS NOT NULL;

CREATE INDEX ix_spans_errors ON spans
    (project_id, trace_id, start_time, span_id)
    WHERE level = 'error';

CREATE INDEX ix_spans_tree ON spans (project_id, trace_id, parent_span_id, start_time, span_id);

CREATE TABLE span_payloads (
    project_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    input JSON,
    output JSON,
    metadata JSON,
    attributes JSON,
    events JSON,
    links JSON,
    resource JSON,
    scope JSON,
    usage JSON,
    cost JSON,
    cost_source TEXT,
    requested_model TEXT,
    provider TEXT,
    model_parameters JSON,
    tools JSON,
    finish_reasons JSON,
    prompt_name TEXT,
    prompt_version INTEGER,
    dialect TEXT,
    claimed JSON,
    notes JSON,
    sent_parent_id TEXT,
    patch JSON,
    PRIMARY KEY (project_id, trace_id, span_id)
);

CREATE TABLE scores (
    project_id TEXT NOT NULL,
    trace_id TEXT DEFAULT '' NOT NULL,
    score_id TEXT NOT NULL,
    span_id TEXT,
    session_id TEXT,
    name TEXT NOT NULL,
    data_type TEXT NOT NULL,
    value DOUBLE PRECISION,
    string_value TEXT,
    comment TEXT,
    source TEXT NOT NULL,
    metadata JSONB DEFAULT '{}' NOT NULL,
    time TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (project_id, trace_id, score_id)
);

CREATE INDEX ix_scores_session ON scores (project_id, session_id) WHERE session_id IS NOT NULL;

CREATE TABLE sessions (
    project_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE NOT NULL,
    trace_count INTEGER DEFAULT '0' NOT NULL,
    error_count INTEGER DEFAULT '0' NOT NULL,
    running_count INTEGER DEFAULT '0' NOT NULL,
    span_count BIGINT DEFAULT '0' NOT NULL,
    total_tokens BIGINT,
    total_cost NUMERIC,
    PRIMARY KEY (project_id, session_id)
);

CREATE INDEX ix_sessions_end ON sessions (project_id, end_time DESC, session_id DESC);

INSERT INTO projects (project_id, name) VALUES ('default', 'default');
"""

TABLES = ("sessions", "scores", "span_payloads", "spans", "traces", "api_keys", "projects")


def upgrade() -> None:
    """Create the tables, and the project into which a local server without keys writes."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the tables with all data."""
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
