"""The tables of bulk jobs: changes of many traces and their files, in the background."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from tracer.store.schema.base import Time, author, count_column, metadata, now_column

# A change of all traces of a selection. `change` holds what to do (store/jobs/changes.py); `done`
# counts the traces that were changed.
jobs = Table(
    "jobs",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("change", JSONB, nullable=False),
    Column("query", Text),
    Column("status", Text, nullable=False),
    Column("total", Integer, nullable=False),
    count_column("done"),
    Column("error", Text),
    Column("run_after", Time, nullable=False),
    now_column("created_at"),
    Column("ended_at", Time),
    *author(),
    Index("ix_jobs_created", "project_id", "created_at"),
)

# The file of an export, in pieces; the worker deletes it a day after the job has ended.
job_files = Table(
    "job_files",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

# The traces that a job still has to change: those that matched when it was made.
job_items = Table(
    "job_items",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("trace_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Index("ix_job_items_job", "project_id", "job_id", "trace_id"),
)
