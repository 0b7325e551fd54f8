"""The changes that a bulk job makes to traces; each is idempotent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import psycopg

from tracer.export.selections.write import ExportSpec
from tracer.records import RANK_UPDATE, Batch, ScoreRecord, TraceRecord
from tracer.store.database.locks import lock_keys
from tracer.store.writing import delete, transaction

_BOOKMARK: Final = """
    INSERT INTO bookmarks (project_id, trace_id, session_id, author, author_id)
    SELECT project_id, trace_id, '', %s, %s FROM traces
    WHERE project_id = %s AND trace_id = ANY(%s)
    ON CONFLICT DO NOTHING
"""
_REMOVE_BOOKMARK: Final = """
    DELETE FROM bookmarks WHERE project_id = %s AND trace_id = ANY(%s) AND session_id = ''
"""


class Bookmark(msgspec.Struct, tag="bookmark", tag_field="action", frozen=True):
    """Bookmark the traces, or remove their bookmarks."""

    # Stored jobs keep the field's first name.
    present: bool = msgspec.field(default=True, name="there")


class TagEdit(msgspec.Struct, tag="tag", tag_field="action", frozen=True):
    """Add tags (True) and remove tags (False), like an edit on the page of a trace."""

    edits: dict[str, bool]


class Score(msgspec.Struct, tag="score", tag_field="action", frozen=True):
    """Give each trace a score, with a number or a text as its value."""

    name: str
    data_type: str
    value: float | None = None
    string_value: str | None = None
    comment: str | None = None


class Delete(msgspec.Struct, tag="delete", tag_field="action", frozen=True):
    """Delete the traces with everything that belongs to them."""


class Export(msgspec.Struct, tag="export", tag_field="action", frozen=True):
    """Write the traces to a file, which is kept for a day; `exports.py` runs these jobs."""

    # Stored jobs keep the field's first name.
    spec: ExportSpec = msgspec.field(name="wanted")
    sort: str | None = None


TraceChange = Bookmark | TagEdit | Score | Delete
"""A change that `apply` makes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job that changes traces, and the author of its annotations."""

    project_id: str
    job_id: str
    change: TraceChange
    time: int
    """The creation time of the job (µs), which orders its changes among later edits."""
    author: str | None
    author_id: str | None


def apply(connection: psycopg.Connection[Any], job: Job, trace_ids: Sequence[str]) -> None:
    """Apply the job's change to these traces; skips those that no longer exist. Commits."""
    change = job.change
    if isinstance(change, Delete):
        delete.delete_traces(connection, job.project_id, trace_ids)
    elif isinstance(change, Bookmark):
        _set_bookmarks(connection, job, trace_ids, present=change.present)
    else:
        existing = _existing(connection, job.project_id, trace_ids)
        if isinstance(change, TagEdit):
            batch = Batch(traces=[_tag_edit(job, change, trace_id) for trace_id in existing])
        else:
            batch = Batch(scores=[_score(job, change, trace_id) for trace_id in existing])
        transaction.store(connection, [(job.project_id, batch)])


def _set_bookmarks(
    connection: psycopg.Connection[Any], job: Job, trace_ids: Sequence[str], *, present: bool
) -> None:
    key = (job.project_id, list(trace_ids))
    with connection.transaction():
        lock_keys(connection, [(job.project_id, trace_id) for trace_id in trace_ids])
        if present:
            connection.execute(_BOOKMARK, (job.author, job.author_id, *key))
        else:
            connection.execute(_REMOVE_BOOKMARK, key)


def _existing(
    connection: psycopg.Connection[Any], project_id: str, trace_ids: Sequence[str]
) -> list[str]:
    query = "SELECT trace_id FROM traces WHERE project_id = %s AND trace_id = ANY(%s)"
    with connection.transaction():
        return [row[0] for row in connection.execute(query, (project_id, list(trace_ids)))]


def _tag_edit(job: Job, change: TagEdit, trace_id: str) -> TraceRecord:
    return TraceRecord(
        trace_id=trace_id,
        rank=RANK_UPDATE,
        version=job.time,
        tag_edits=change.edits,
        editor=job.author or "",
    )


def _score(job: Job, change: Score, trace_id: str) -> ScoreRecord:
    return ScoreRecord(
        # One score per job and trace, even if a step runs again after an interruption.
        score_id=f"{job.job_id}-{trace_id}"[:800],
        trace_id=trace_id,
        source="annotation",
        time=job.time,
        author=job.author,
        author_id=job.author_id,
        **msgspec.structs.asdict(change),
    )
