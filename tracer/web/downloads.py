"""Exports as downloads: streamed from one database snapshot, with a file name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Response

from tracer.errors import TooLarge
from tracer.export import json
from tracer.export.formats import FORMATS, file_name, plain_name
from tracer.export.pieces import in_pieces
from tracer.export.selections.write import FORMATS as FILES
from tracer.export.selections.write import ExportSpec, write
from tracer.store.jobs.exports import File
from tracer.store.query.selection import Selection
from tracer.store.selections.exporting import MAX_STREAMED, count_selection, read_items
from tracer.store.traces.snapshot import Snapshot

_CHUNK_BYTES: Final = 64 * 1024


def trace_file(
    project_id: str, trace_id: str, format_name: str, budget: int | None = None
) -> Response | None:
    """Return a trace in one of FORMATS; None: there is no such trace."""
    form = FORMATS[format_name]
    snapshot = Snapshot()
    source = snapshot.trace(project_id, trace_id)
    if source is None:
        snapshot.close()
        return None
    name = file_name(source.trace, form.suffix)
    return _download(snapshot, form.write(source, budget), form.content_type, name)


def session_file(project_id: str, session_id: str) -> Response:
    """Return all traces of a session as JSON."""
    snapshot = Snapshot()
    text = json.write_session(session_id, snapshot.session(project_id, session_id))
    name = f"session-{plain_name(session_id, 60)}.json"
    return _download(snapshot, text, "application/json", name)


def selection_file(
    project_id: str, selection: Selection, sort: str | None, spec: ExportSpec
) -> Response:
    """Return the traces of a selection as one file. Raises Invalid, TooLarge, TooSlow.

    A job writes files of more traces than `MAX_STREAMED`.
    """
    total = count_selection(project_id, selection)
    if total > MAX_STREAMED:
        raise TooLarge(
            f"{total:,} traces match: a request exports up to {MAX_STREAMED:,}; a job writes more"
            " (POST /api/v1/exports)"
        )
    form = FILES[spec.format]
    snapshot = Snapshot()
    try:
        data = write(spec, read_items(snapshot, project_id, selection, sort))
    except BaseException:
        snapshot.close()
        raise
    return _download(snapshot, data, form.content_type, f"traces.{form.suffix}")


def export_spec(form: str, columns: str, *, spans: bool) -> ExportSpec:
    """Return the content of a file to export; ``columns`` are names separated by commas."""
    names = [name for part in columns.split(",") if (name := part.partition(":")[0].strip())]
    return ExportSpec(format=form, columns=names, spans=spans)


def job_file(file: File) -> Response:
    """Return the file that a job has written."""
    form = FILES[file.spec.format]
    response = Response(file.pieces, content_type=form.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="traces.{form.suffix}"'
    return response


def _download(
    snapshot: Snapshot, text: Iterator[str] | Iterator[bytes], content_type: str, name: str
) -> Response:
    # Without a length the response is chunked: after a failed read the last chunk is missing, so
    # that clients can notice that the file is incomplete.
    response = Response(_chunks(snapshot, text), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(snapshot.close)
    return response


def _chunks(snapshot: Snapshot, text: Iterator[str] | Iterator[bytes]) -> Iterator[bytes]:
    """Yield chunks of at least _CHUNK_BYTES; close the snapshot at the end."""
    parts = (part.encode() if isinstance(part, str) else part for part in text)
    try:
        yield from in_pieces(parts, _CHUNK_BYTES)
    finally:
        # Closed here and not with the response, which a server may close late.
        snapshot.close()
