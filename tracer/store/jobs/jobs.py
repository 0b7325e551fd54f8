"""Makes, reads and undoes bulk jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tracer.errors import Conflict, NotFound
from tracer.extensions import db
from tracer.store.annotations.subjects import Author
from tracer.store.jobs.changes import Export, TraceChange
from tracer.store.schema import job_items, jobs, traces

WAITING: Final = "waiting"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
UNDONE: Final = "undone"
MAX_LISTED: Final = 50


Selected = Sequence[str] | Callable[[sa.FromClause], sa.ColumnElement[bool]]
"""Ids of traces, or the condition of a selection on the table `traces`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """A job with its progress: ``done`` of ``total`` traces."""

    job_id: str
    change: dict[str, Any]
    query: str | None
    """The text of the query whose traces it changes; None: their ids were listed."""
    status: str
    """waiting (until ``run_after``), running, done, failed or undone."""
    total: int
    done: int
    error: str | None
    run_after: datetime
    created_at: datetime
    ended_at: datetime | None
    author: str | None

    @property
    def is_export(self) -> bool:
        """Whether the job writes a file, and changes nothing."""
        return bool(self.change.get("action") == "export")


def create_job(
    project_id: str,
    change: TraceChange,
    selected: Selected,
    *,
    query: str | None = None,
    delay: float = 0,
    author: Author | None = None,
) -> JobRow:
    """Make a job that changes the currently selected traces.

    It starts after ``delay`` seconds, and can be undone until then. Runs in the caller's
    transaction. Each trace gets a row, so traces that match only later are not changed.
    """
    job_id = secrets.token_hex(8)
    matching = sa.select(traces.c.project_id, traces.c.trace_id, sa.literal(job_id)).where(
        traces.c.project_id == project_id, _condition(selected)
    )
    columns = ["project_id", "trace_id", "job_id"]
    db.session.execute(sa.insert(job_items).from_select(columns, matching))
    count = sa.select(sa.func.count()).select_from(job_items).where(*_items(project_id, job_id))
    total = int(db.session.scalar(count) or 0)
    return insert_job(
        project_id, change, total, query=query, delay=delay, author=author, job_id=job_id
    )


def insert_job(
    project_id: str,
    change: TraceChange | Export,
    total: int,
    *,
    query: str | None = None,
    delay: float = 0,
    author: Author | None = None,
    job_id: str | None = None,
) -> JobRow:
    """Store a job of ``total`` traces. Runs in the caller's transaction."""
    job_id = job_id or secrets.token_hex(8)
    values = {
        "project_id": project_id,
        "job_id": job_id,
        "change": msgspec.to_builtins(change),
        "query": query,
        "status": WAITING,
        "total": total,
        "run_after": sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, delay),
        **(author or Author()).values(),
    }
    db.session.execute(sa.insert(jobs).values(values))
    return get_job(project_id, job_id)


def count_selected(project_id: str, selected: Selected) -> int:
    """Return how many traces a job would change."""
    query = sa.select(sa.func.count()).select_from(traces)
    query = query.where(traces.c.project_id == project_id, _condition(selected))
    return int(db.session.scalar(query) or 0)


def _condition(selected: Selected) -> sa.ColumnElement[bool]:
    return selected(traces) if callable(selected) else traces.c.trace_id.in_(selected)


def get_job(project_id: str, job_id: str) -> JobRow:
    """Return a job; raises NotFound."""
    query = sa.select(*_COLUMNS).where(jobs.c.project_id == project_id, jobs.c.job_id == job_id)
    row = db.session.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound.of("job", job_id)
    return JobRow(**row)


def list_jobs(project_id: str) -> Sequence[JobRow]:
    """Return the latest jobs, the newest first."""
    query = sa.select(*_COLUMNS).where(jobs.c.project_id == project_id)
    query = query.order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(MAX_LISTED)
    return [JobRow(**row) for row in db.session.execute(query).mappings()]


def undo_job(project_id: str, job_id: str) -> JobRow:
    """Undo a job that has not started; raises NotFound, and Conflict once it has."""
    own = (jobs.c.project_id == project_id, jobs.c.job_id == job_id)
    undone = sa.update(jobs).where(*own, jobs.c.status == WAITING)
    undone = undone.values(status=UNDONE, ended_at=sa.func.now()).returning(jobs.c.job_id)
    if db.session.execute(undone).scalar() is None:
        job = get_job(project_id, job_id)
        raise Conflict(f"the job can't be undone: it is {job.status}")
    db.session.execute(sa.delete(job_items).where(*_items(project_id, job_id)))
    return get_job(project_id, job_id)


def _items(project_id: str, job_id: str) -> list[sa.ColumnElement[bool]]:
    return [job_items.c.project_id == project_id, job_items.c.job_id == job_id]


_COLUMNS = [jobs.c[name] for name in JobRow.__dataclass_fields__]
