"""Exports as downloads: streamed, from one snapshot, with a name to be saved under."""

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
    """Return a trace in one of FORMATS, None where there is no such trace."""
    form = FORMATS[format_name]
    snapshot = Snapshot()
    source = snapshot.trace(project_id, trace_id)
    if source is None:
        snapshot.close()
        return None
    name = file_name(source.trace, form.suffix)
    return _download(snapshot, form.write(source, budget), form.content_type, name)


def session_file(project_id: str, session_id: str) -> Response:
    """Return the traces of a session as JSON."""
    snapshot = Snapshot()
    text = json.write_session(session_id, snapshot.session(project_id, session_id))
    name = f"session-{plain_name(session_id, 60)}.json"
    return _download(snapshot, text, "application/json", name)


def _download(snapshot: Snapshot, text: Iterator[str], content_type: str, name: str) -> Response:
    # Without a length it leaves in chunks: where reading fails, the last one is missing, and so
    # no client takes the part for the whole.
    response = Response(_chunks(snapshot, text), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(snapshot.close)
    return response


def _chunks(snapshot: Snapshot, text: Iterator[str]) -> Iterator[bytes]:
    """Yield pieces large enough to be worth sending; then let go of the trace."""
    held: list[str] = []
    length = 0
    try:
        for piece in text:
            held.append(piece)
            length += len(piece)
            if length >= _CHUNK_CHARACTERS:
                yield "".join(held).encode()
                held, length = [], 0
        yield "".join(held).encode()
    finally:
        # At the end at once, and not when somebody happens to close the response.
        snapshot.close()
