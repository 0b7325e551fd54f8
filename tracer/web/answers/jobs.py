"""Answers about bulk jobs."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tracer.store.jobs.exports import expires_at
from tracer.store.jobs.jobs import JobRow
from tracer.times import json_time, json_time_or_none
from tracer.web.answers.traces import Time


class Job(msgspec.Struct, kw_only=True):
    """A bulk job with its progress."""

    id: str
    change: dict[str, Any]
    query: Annotated[str | None, Meta(description="the query whose traces it changes")]
    status: Annotated[
        str,
        Meta(extra_json_schema={"enum": ["waiting", "running", "done", "failed", "undone"]}),
    ]
    total: Annotated[int, Meta(description="traces that matched when the job was made")]
    done: Annotated[int, Meta(description="traces that were changed so far")]
    error: str | None
    run_after: Annotated[Time, Meta(description="until then the job can be undone")]
    created_at: Time
    ended_at: Time | None
    file_until: Annotated[
        Time | None, Meta(description="until when the file of an export can be read")
    ]
    author: str | None


class Jobs(msgspec.Struct, kw_only=True):
    """The latest jobs, the newest first."""

    data: list[Job]


class JobPreview(msgspec.Struct, kw_only=True):
    """What a job would change."""

    total: int


def job(row: JobRow) -> Job:
    """Return the answer for a stored job."""
    return Job(
        id=row.job_id,
        change=row.change,
        query=row.query,
        status=row.status,
        total=row.total,
        done=row.done,
        error=row.error,
        run_after=json_time(row.run_after),
        created_at=json_time(row.created_at),
        ended_at=json_time_or_none(row.ended_at),
        file_until=json_time_or_none(expires_at(row)),
        author=row.author,
    )
