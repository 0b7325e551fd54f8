"""Converts the responses of a Langfuse server to ingestion events; no network, no database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from tracer.wire.json_text import present_json

Event = dict[str, Any]

_TRACE: Final = (
    *("id", "timestamp", "name", "userId", "sessionId", "release", "version", "environment"),
    *("public", "tags", "metadata", "input", "output"),
)
_OBSERVATION: Final = (
    *("id", "traceId", "parentObservationId", "name", "startTime", "endTime", "environment"),
    *("completionStartTime", "modelParameters", "input", "output", "metadata", "level"),
    *("statusMessage", "version", "usageDetails", "costDetails", "promptName", "promptVersion"),
)
_SCORE: Final = (
    *("id", "traceId", "sessionId", "observationId", "datasetRunId", "name", "dataType"),
    *("comment", "metadata", "environment", "source", "timestamp", "configId", "queueId"),
)


def trace_event(trace: dict[str, Any]) -> Event:
    """Return the ingestion event of a trace."""
    return _event("trace-create", trace, _select(trace, _TRACE), "updatedAt", "timestamp")


def observation_event(observation: dict[str, Any], *, raw: bool) -> Event:
    """Return the ingestion event of an observation.

    ``raw``: from the newer generation of the API, which returns all values as text: a text that
    looks like JSON is read as JSON.
    """
    body = _select(observation, _OBSERVATION)
    body["model"] = observation.get("providedModelName") or observation.get("model")
    for name in ("promptName", "promptVersion"):
        if body.get(name) is None:
            body.pop(name, None)
    if raw:
        for name in ("input", "output", "modelParameters"):
            body[name] = _parsed(body.get(name))
        if isinstance(body.get("metadata"), dict):
            body["metadata"] = {name: _parsed(value) for name, value in body["metadata"].items()}
    kind = str(observation.get("type", "SPAN")).lower()
    return _event(f"{kind}-create", observation, body, "updatedAt", "startTime")


def score_event(score: dict[str, Any]) -> Event:
    """Return the ingestion event of a score, from any version of the API."""
    body = _select(score, _SCORE)
    for name in ("traceId", "sessionId", "observationId", "datasetRunId"):
        if body.get(name) is None:
            body.pop(name, None)
    body |= _subject(score.get("subject") or {})
    text = score.get("stringValue")
    has_text_value = score.get("dataType") not in ("NUMERIC", "BOOLEAN")
    body["value"] = text if has_text_value and text is not None else score.get("value")
    if body["value"] is True or body["value"] is False:
        body["value"] = int(body["value"])
    return _event("score-create", score, body, "updatedAt", "timestamp")


def trace_events(rows: Iterable[dict[str, Any]]) -> list[Event]:
    """Return an event for each trace of these observations (rows of the newer API)."""
    traces: dict[str, dict[str, Any]] = {}
    for row in rows:
        fields = {
            "id": row["traceId"],
            "timestamp": row["startTime"],
            "name": row.get("traceName"),
            "userId": row.get("userId"),
            "sessionId": row.get("sessionId"),
            "release": row.get("release"),
            "environment": row.get("environment"),
            "tags": row.get("tags"),
        }
        # Newest first: the last row of a trace is its earliest observation, and wins.
        traces[row["traceId"]] = {
            name: value for name, value in fields.items() if value is not None
        }
    return [trace_event(trace) for trace in traces.values()]


_SUBJECTS: Final = {"trace": "traceId", "session": "sessionId", "experiment": "datasetRunId"}
"""By the kind of a score's subject, the field of its id."""


def _subject(subject: dict[str, Any]) -> dict[str, Any]:
    kind, subject_id = str(subject.get("kind")), subject.get("id")
    if kind == "observation":
        return {"observationId": subject_id, "traceId": subject.get("traceId")}
    return {_SUBJECTS[kind]: subject_id} if kind in _SUBJECTS else {}


def _select(source: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: source[name] for name in names if name in source}


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return present_json(value)


def _event(kind: str, source: dict[str, Any], body: dict[str, Any], *times: str) -> Event:
    # Id and time derive from the source, so a repeated import of an unchanged record does nothing.
    stamp = next(source[name] for name in times if source.get(name))
    return {"id": f"import-{source['id']}", "type": kind, "timestamp": stamp, "body": body}
