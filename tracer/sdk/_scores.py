"""Judgements: of the current trace, or of any trace, span or session by its id."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace

from tracer.sdk._client import state
from tracer.sdk._config import logger
from tracer.sdk._values import to_json


def score(
    name: str,
    value: float | bool | str,
    *,
    comment: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    session: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    id: str | None = None,
) -> str | None:
    """Score the current trace, or what is named, from whatever process; return the score's id.

    ``span_id`` narrows it to a span; ``session`` scores a session instead. The same ``id`` again
    replaces the score. None: nothing is recorded, or nothing is current.
    """
    client = state.client
    if client is None:
        return None
    current = trace.get_current_span().get_span_context()
    if trace_id is None and session is None:
        if not current.is_valid:
            logger.warning("score %r: no trace is current; say its trace_id", name)
        # A trace that is left out has no page to show its score.
        if not current.is_valid or not (current.trace_flags & 1 or client.config.tail):
            return None
        trace_id = f"{current.trace_id:032x}"
    # Made here and not by the server, so that what is sent twice is one score.
    id = id or uuid.uuid4().hex
    said = {
        "id": id,
        "name": name,
        "value": value,
        "comment": comment,
        "trace_id": trace_id,
        "span_id": span_id,
        "session_id": session,
        "metadata": json.loads(to_json(dict(metadata))) if metadata else None,
        "time": datetime.datetime.now(datetime.UTC).isoformat(),
    }
    client.sink.put_score({field: told for field, told in said.items() if told is not None})
    return id
