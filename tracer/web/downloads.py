"""Exports as downloads: streamed from one database snapshot, with a file name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Response

from tracer.export import json
from tracer.export.formats import FORMATS, file_name, plain_name
from tracer.store.traces.snapshot import Snapshot

_CHUNK_CHARACTERS: Final = 64 * 1024


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


def _download(snapshot: Snapshot, text: Iterator[str], content_type: str, name: str) -> Response:
    # Without a length the response is chunked: after a failed read the last chunk is missing, so
    # that clients can tell that the file is incomplete.
    response = Response(_chunks(snapshot, text), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(snapshot.close)
    return response


def _chunks(snapshot: Snapshot, text: Iterator[str]) -> Iterator[bytes]:
    """Yield chunks of at least _CHUNK_CHARACTERS; close the snapshot at the end."""
    pieces: list[str] = []
    length = 0
    try:
        for piece in text:
            pieces.append(piece)
            length += len(piece)
            if length >= _CHUNK_CHARACTERS:
                yield "".join(pieces).encode()
                pieces, length = [], 0
        yield "".join(pieces).encode()
    finally:
        # Closed here and not with the response, which a server may close late.
        snapshot.close()
