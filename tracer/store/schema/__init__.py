"""All tables for SQLAlchemy Core; migrations/versions has the statements that create them.

Tables that grow carry project_id and trace_id (or session_id) in their primary key, so that they
can be distributed by trace unchanged. No foreign keys and no sequences between such tables.
"""

from __future__ import annotations

from tracer.store.schema.analyses import (
    analyses,
    sibling_groups,
    subtrees,
    timeline_pages,
    timeline_segments,
    timeline_words,
    timelines,
)
from tracer.store.schema.annotations import (
    bookmarks,
    comments,
    queue_items,
    queue_members,
    queues,
    score_configs,
    scores,
    shares,
)
from tracer.store.schema.base import Time, metadata
from tracer.store.schema.counters import mapping_counts
from tracer.store.schema.deletion import tombstones
from tracer.store.schema.jobs import job_files, job_items, jobs
from tracer.store.schema.library import (
    dashboards,
    dataset_items,
    dataset_run_items,
    dataset_runs,
    datasets,
    media,
    media_chunks,
    media_uses,
    prompt_labels,
    prompt_versions,
    prompts,
)
from tracer.store.schema.members import (
    audit_events,
    invitations,
    login_attempts,
    member_sessions,
    members,
    one_time_links,
    personal_tokens,
    roles,
)
from tracer.store.schema.projects import api_keys, prices, projects, refused_requests, secrets
from tracer.store.schema.rollups import (
    rollup_changes,
    rollup_deltas,
    rollup_series,
    rollups,
    score_hours,
    score_hours_due,
    user_days,
    users,
)
from tracer.store.schema.saved_views import saved_views
from tracer.store.schema.texts import text_due, trace_words
from tracer.store.schema.traces import (
    parts,
    payload_of_trace,
    sessions,
    span_payload_rows,
    span_payloads,
    spans,
    trace_payloads,
    traces,
)
from tracer.store.schema.upgrades import background_upgrades

__all__ = [
    "Time",
    "analyses",
    "api_keys",
    "audit_events",
    "background_upgrades",
    "bookmarks",
    "comments",
    "dashboards",
    "dataset_items",
    "dataset_run_items",
    "dataset_runs",
    "datasets",
    "invitations",
    "job_files",
    "job_items",
    "jobs",
    "login_attempts",
    "mapping_counts",
    "media",
    "media_chunks",
    "media_uses",
    "member_sessions",
    "members",
    "metadata",
    "one_time_links",
    "parts",
    "payload_of_trace",
    "personal_tokens",
    "prices",
    "projects",
    "prompt_labels",
    "prompt_versions",
    "prompts",
    "queue_items",
    "queue_members",
    "queues",
    "refused_requests",
    "roles",
    "rollup_changes",
    "rollup_deltas",
    "rollup_series",
    "rollups",
    "saved_views",
    "score_configs",
    "score_hours",
    "score_hours_due",
    "scores",
    "secrets",
    "sessions",
    "shares",
    "sibling_groups",
    "span_payload_rows",
    "span_payloads",
    "spans",
    "subtrees",
    "text_due",
    "timeline_pages",
    "timeline_segments",
    "timeline_words",
    "timelines",
    "tombstones",
    "trace_payloads",
    "trace_words",
    "traces",
    "user_days",
    "users",
]
