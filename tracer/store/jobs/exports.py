"""Export jobs: write the traces of a selection to a file, which is stored in pieces for a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from tracer.errors import NotFound, TracerError
from tracer.export.pieces import in_pieces
from tracer.export.selections.write import ExportSpec, Item, write
from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.store.annotations.subjects import Author
from tracer.store.database.session import transaction
from tracer.store.jobs.changes import Export
from tracer.store.jobs.jobs import DONE, FAILED, RUNNING, WAITING, JobRow, get_job, insert_job
from tracer.store.query.selection import Selection
from tracer.store.schema import job_files, jobs
from tracer.store.selections.exporting import count_selection, read_items
from tracer.store.traces.snapshot import Snapshot

_RETENTION: Final = timedelta(days=1)
_PIECE_BYTES: Final = 1_000_000
_PROGRESS_INTERVAL: Final = 1_000
"""The progress is stored after each so many traces."""
# Ends with the transaction: a session's lock would stay with the connection in the pool.
_LOCK: Final = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('exports', 2))")


def create_export(
    project_id: str, query: str, spec: ExportSpec, sort: str | None, author: Author | None = None
) -> JobRow:
    """Make a job that writes the file; raises QueryError. Runs in the caller's transaction."""
    total = count_selection(project_id, Selection(parse(query, Grain.TRACE)))
    return insert_job(project_id, Export(spec, sort), total, query=query, author=author)


class File(NamedTuple):
    """A written file: the specification of its content, and its pieces."""

    spec: ExportSpec
    pieces: Iterator[bytes]


def read_file(project_id: str, job_id: str) -> File:
    """Return the file of a job; raises NotFound if it isn't written yet or was removed."""
    job = get_job(project_id, job_id)
    count = sa.select(sa.func.count()).select_from(job_files).where(*_own(project_id, job_id))
    pieces = int(db.session.scalar(count) or 0)
    if not job.is_export or job.status != DONE or not pieces:
        raise NotFound(f"the job {job_id!r} has no file: exports are kept for a day")
    spec = msgspec.convert(job.change, Export).spec
    query = sa.select(job_files.c.data).where(*_own(project_id, job_id))
    return File(spec, _read(db.engine, query.order_by(job_files.c.number)))


def _read(engine: sa.Engine, query: sa.Select[Any]) -> Iterator[bytes]:
    """Yield the pieces; takes the engine, as responses stream outside the application context."""
    with engine.connect() as connection:
        options = {"yield_per": 4}
        with connection.execute(query, execution_options=options) as result:
            yield from map(bytes, result.scalars())


def run_exports() -> int:
    """Write the files of all exports that are due; return their number.

    Returns 0 while another process runs exports.
    """
    count = 0
    with db.engine.connect() as lock:
        if not lock.scalar(_LOCK):
            return 0
        while (due := _next_job()) is not None:
            _run(*due)
            count += 1
    return count


def _next_job() -> tuple[str, JobRow] | None:
    query = (
        sa.select(jobs.c.project_id, jobs.c.job_id)
        .where(
            jobs.c.status.in_((WAITING, RUNNING)),
            jobs.c.run_after <= sa.func.now(),
            jobs.c.change["action"].astext == "export",
        )
        .order_by(jobs.c.run_after)
        .limit(1)
    )
    with transaction():
        row = db.session.execute(query).one_or_none()
    return None if row is None else (row.project_id, get_job(*row))


def _run(project_id: str, job: JobRow) -> None:
    """Write one file; an interrupted one is written again from its beginning."""
    with transaction():
        db.session.execute(sa.delete(job_files).where(*_own(project_id, job.job_id)))
        _update(project_id, job, status=RUNNING, done=0)
    change = msgspec.convert(job.change, Export)
    snapshot = Snapshot()
    try:
        items = _with_progress(project_id, job, _items(snapshot, project_id, job, change))
        for index, piece in enumerate(in_pieces(write(change.spec, items), _PIECE_BYTES)):
            values = {"project_id": project_id, "job_id": job.job_id, "number": index}
            with transaction():
                db.session.execute(sa.insert(job_files).values(**values, data=piece))
    except TracerError as error:
        with transaction():
            _update(project_id, job, status=FAILED, error=str(error), ended_at=sa.func.now())
    else:
        with transaction():
            _update(project_id, job, status=DONE, done=job.total, ended_at=sa.func.now())
    finally:
        snapshot.close()


def _items(snapshot: Snapshot, project_id: str, job: JobRow, change: Export) -> Iterator[Item]:
    # Relative times of the query refer to the creation of the job.
    selection = Selection(parse(job.query or "", Grain.TRACE), Clock(job.created_at))
    return read_items(snapshot, project_id, selection, change.sort)


def _with_progress(project_id: str, job: JobRow, items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, and store the job's progress from time to time."""
    for done, item in enumerate(items, 1):
        yield item
        if done % _PROGRESS_INTERVAL == 0:
            with transaction():
                _update(project_id, job, done=min(done, job.total))


def _update(project_id: str, job: JobRow, **values: Any) -> None:
    own = (jobs.c.project_id == project_id, jobs.c.job_id == job.job_id)
    db.session.execute(sa.update(jobs).where(*own).values(**values))


def _own(project_id: str, job_id: str) -> list[sa.ColumnElement[bool]]:
    return [job_files.c.project_id == project_id, job_files.c.job_id == job_id]


def expires_at(job: JobRow) -> datetime | None:
    """Return the time until which the export's file can be downloaded; None: it has no file."""
    if not job.is_export or job.status != DONE or job.ended_at is None:
        return None
    return job.ended_at + _RETENTION
