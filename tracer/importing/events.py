"""What a Langfuse server returns, as the events that would have told it: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

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
    *("id", "traceId", "sessionId", "observationId", "name", "dataType", "comment", "metadata"),
    *("environment", "source", "timestamp"),
)


def trace_event(trace: dict[str, Any]) -> Event:
    """Return the event that tells a trace."""
    return _event("trace-create", trace, _some(trace, _TRACE), "updatedAt", "timestamp")


def observation_event(seen: dict[str, Any]) -> Event:
    """Return the event that tells an observation, of either generation of the API."""
    body = _some(seen, _OBSERVATION)
    body["model"] = seen.get("providedModelName") or seen.get("model")
    for name in ("promptName", "promptVersion"):
        if body.get(name) is None:
            body.pop(name, None)
    # The newer API gives values as the text that was sent, JSON or not.
    for name in ("input", "output", "modelParameters"):
        body[name] = _parsed(body.get(name))
    if isinstance(body.get("metadata"), dict):
        body["metadata"] = {name: _parsed(value) for name, value in body["metadata"].items()}
    kind = str(seen.get("type", "SPAN")).lower()
    return _event(f"{kind}-create", seen, body, "updatedAt", "startTime")


def score_event(score: dict[str, Any]) -> Event:
    """Return the event that tells a score, of any version of the API."""
    body = _some(score, _SCORE)
    for name in ("traceId", "sessionId", "observationId"):
        if body.get(name) is None:
            body.pop(name, None)
    body |= _subject(score.get("subject") or {})
    text = score.get("stringValue")
    by_text = score.get("dataType") not in ("NUMERIC", "BOOLEAN")
    body["value"] = text if by_text and text is not None else score.get("value")
    if body["value"] is True or body["value"] is False:
        body["value"] = int(body["value"])
    return _event("score-create", score, body, "updatedAt", "timestamp")


def traces_of(rows: Iterable[dict[str, Any]]) -> list[Event]:
    """Return one event for each trace that observations of the newer API belong to."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        told = {
            "id": row["traceId"],
            "timestamp": row["startTime"],
            "name": row.get("traceName"),
            "userId": row.get("userId"),
            "sessionId": row.get("sessionId"),
            "release": row.get("release"),
            "environment": row.get("environment"),
            "tags": row.get("tags"),
        }
        # What comes later in the list was earlier in the trace.
        found[row["traceId"]] = {name: value for name, value in told.items() if value is not None}
    return [trace_event(told) for told in found.values()]


def _subject(subject: dict[str, Any]) -> dict[str, Any]:
    kind, name = subject.get("kind"), subject.get("id")
    if kind == "observation":
        return {"observationId": name, "traceId": subject.get("traceId")}
    return {f"{kind}Id": name} if kind in ("trace", "session") else {}


def _some(source: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: source[name] for name in names if name in source}


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _event(kind: str, source: dict[str, Any], body: dict[str, Any], *times: str) -> Event:
    # The same event for the same state: what is copied twice changes nothing.
    stamp = next(source[name] for name in times if source.get(name))
    return {"id": f"import-{source['id']}", "type": kind, "timestamp": stamp, "body": body}
