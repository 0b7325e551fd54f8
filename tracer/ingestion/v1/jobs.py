"""Writes of bulk jobs: create, preview, and undo before they start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response

from tracer.export.selections.write import ExportSpec
from tracer.ingestion.writing import json_body
from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.parse import parse
from tracer.store.annotations.subjects import Author
from tracer.store.database.session import transaction
from tracer.store.jobs import changes, exports, jobs
from tracer.store.query.selection import Selection
from tracer.web.answers.jobs import Job, JobPreview, job
from tracer.web.keys import current_project_id
from tracer.web.operations import WRITE_PROBLEMS, Operation, answer, describe, set_up
from tracer.wire.native.annotations import cleaned
from tracer.wire.native.jobs import ExportCreate, JobCreate
from tracer.wire.reading import read_item, read_storable_json

API: Final = "api"
"""The author id of jobs made over the API."""

bp = Blueprint("job_writes", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.post("/jobs")
@describe(
    Operation(
        summary="Change many traces in the background, or count them first",
        body=JobCreate,
        answers={200: JobPreview, 202: Job},
        problems=WRITE_PROBLEMS,
    )
)
def create_job() -> Response:
    """Make a job; with ``dry_run`` only count the traces that it would change."""
    sent = read_item(read_storable_json(json_body()), JobCreate)
    selected = _selected(sent)
    if sent.dry_run:
        return answer(JobPreview(total=jobs.count_selected(current_project_id(), selected)))
    author = Author(name=cleaned(sent.author), author_id=API)
    with transaction():
        made = jobs.create_job(
            current_project_id(),
            _change(sent),
            selected,
            query=sent.query,
            delay=sent.delay,
            author=author,
        )
    return answer(job(made), 202)


@bp.post("/exports")
@describe(
    Operation(
        summary="Write a file with any number of traces in the background",
        body=ExportCreate,
        answers={202: Job},
        problems=WRITE_PROBLEMS,
    )
)
def create_export() -> Response:
    """Create a job that writes a file; `GET /api/v1/exports/{job_id}` returns the file."""
    sent = read_item(read_storable_json(json_body()), ExportCreate)
    author = Author(name=cleaned(sent.author), author_id=API)
    spec = ExportSpec(format=sent.format, columns=sent.columns or [], spans=sent.spans)
    with transaction():
        made = exports.create_export(current_project_id(), sent.query, spec, sent.sort, author)
    return answer(job(made), 202)


@bp.delete("/jobs/<id:job_id>")
@describe(
    Operation(
        summary="Undo a bulk job that has not started",
        answers={200: Job},
        problems=(400, 401, 404, 409, 503),
    )
)
def undo_job(job_id: str) -> Response:
    """Undo a waiting job."""
    with transaction():
        undone = jobs.undo_job(current_project_id(), job_id)
    return answer(job(undone))


def _selected(sent: JobCreate) -> jobs.Selected:
    if sent.traces is not None:
        return sent.traces
    # The times of the query are relative to now.
    selection = Selection(parse(sent.query or "", Grain.TRACE), Clock(datetime.now(UTC)))
    return lambda table: selection.condition(Grain.TRACE, table)


def _change(sent: JobCreate) -> changes.TraceChange:
    if sent.tags is not None:
        edits = dict.fromkeys(sent.tags.remove, False) | dict.fromkeys(sent.tags.add, True)
        return changes.TagEdit({cleaned(tag): present for tag, present in edits.items()})
    if sent.score is not None:
        return _score(sent)
    if sent.action == "delete":
        return changes.Delete()
    return changes.Bookmark(present=sent.action == "bookmark")


def _score(sent: JobCreate) -> changes.Score:
    assert sent.score is not None
    value, comment = sent.score.value, sent.score.comment
    name = cleaned(sent.score.name)
    explanation = cleaned(comment) if comment else None
    if isinstance(value, str):
        return changes.Score(name, "categorical", string_value=cleaned(value), comment=explanation)
    data_type = "boolean" if isinstance(value, bool) else "numeric"
    return changes.Score(name, data_type, value=float(value), comment=explanation)
