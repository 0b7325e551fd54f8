"""Bookmarks, comments, links and jobs of a project, with the ids that tests of API keys use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store import schema as tables

IDS = {"comment_id": "k", "share_id": "h", "job_id": "j"}
# The server gives these their ids.
OWN = (
    "/api/v1/comments/k",
    "/api/v1/jobs/j",
    "/api/v1/shares/h",
    "/api/v1/scores/q1",
    "/api/public/comments/k",
)
# A job that waits for longer than any test runs.
_LATER = datetime(9000, 1, 1, tzinfo=UTC)
BODIES: dict[str, Any] = {
    "/api/v1/comments": {"trace_id": "t", "text": "theirs"},
    "/api/v1/comments/k": {"text": "theirs"},
    "/api/public/comments": {
        **{"projectId": "theirs", "objectType": "TRACE", "objectId": "t", "content": "theirs"},
    },
    "/api/v1/jobs": {"traces": ["t"], "action": "bookmark"},
    "/api/v1/exports": {"query": "name:theirs"},
    "/api/v1/traces/t/tags": {"add": ["theirs"]},
    "/api/v1/traces/t/shares": {},
    "/api/v1/sessions/x/shares": {},
    "/api/v1/traces/t/bookmark": {},
    "/api/v1/sessions/x/bookmark": {},
}


def fill(project_id: str) -> None:
    """Give the trace "t" and the session "x" one of each, and "t" a job, with "ours" in it."""
    ours = {"project_id": project_id, "author": "ours"}
    for number, on in enumerate(({"trace_id": "t"}, {"session_id": "x"})):
        db.session.execute(sa.insert(tables.bookmarks).values(**ours, **on))
        comment = {"comment_id": "kl"[number], "text": "ours"}
        db.session.execute(sa.insert(tables.comments).values(**ours, **on, **comment))
        link = {"share_id": "hi"[number], "token_hash": f"{project_id}{number}", "hint": "…"}
        db.session.execute(sa.insert(tables.shares).values(**ours, **on, **link))
    job = {"job_id": "j", "change": {"action": "delete"}, "query": "ours", "status": "waiting"}
    db.session.execute(sa.insert(tables.jobs).values(**ours, **job, total=1, run_after=_LATER))
    item = {"project_id": project_id, "job_id": "j", "trace_id": "t"}
    db.session.execute(sa.insert(tables.job_items).values(**item))
    fill_export(project_id, "ours")


def fill_export(project_id: str, text: str) -> None:
    """Give the project a finished job "file" with a file, both with ``text`` in it."""
    change = {"action": "export", "wanted": {"format": "jsonl"}}
    row = {"project_id": project_id, "job_id": "file"}
    job = {**row, "change": change, "query": text, "status": "done", "total": 1, "author": text}
    now = datetime.now(UTC)
    db.session.execute(sa.insert(tables.jobs).values(**job, run_after=now, ended_at=now))
    content = f'{{"name":"{text}"}}\n'.encode()
    db.session.execute(sa.insert(tables.job_files).values(**row, number=0, data=content))
