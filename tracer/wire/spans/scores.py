"""Scores of a span: from evaluation events and annotations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from tracer.records import Json, ScoreRecord, SpanPatch, SpanRecord
from tracer.wire.dialects.parsers import MAX_MICROS, text

# The fields of OpenInference's annotations, and the subjects of their scores.
_ANNOTATED: Final = {
    "annotations": "span",
    "annotations_of_trace": "trace",
    "annotations_of_session": "session",
}
_SOURCES: Final = frozenset(("scores", *_ANNOTATED))
_MAX_NAME: Final = 200


class _Judgement(NamedTuple):
    of: str
    """span, trace or session."""
    values: dict[str, Json]
    """``name``, ``score``, ``label``, ``explanation`` and further names."""
    time: int


def scores_of(record: SpanRecord, fields: dict[str, Json]) -> list[ScoreRecord]:
    """Return the scores of a span's ``fields``; a repeated span has the same score ids."""
    if _SOURCES.isdisjoint(fields):
        return []
    repeats: Counter[tuple[str, str, str]] = Counter()
    scores = []
    session: str | None = fields.get("trace.session_id")
    for judgement in _judgements(record, fields):
        score = _score(judgement.values)
        if score is None:
            continue
        of = "trace" if judgement.of == "session" and session is None else judgement.of
        identifier = text(judgement.values.get("identifier")) or ""
        key = (of, score.name, identifier)
        score.score_id = _id(record, *key, str(repeats[key]))
        repeats[key] += 1
        score.time = judgement.time
        score.trace_id = None if of == "session" else record.trace_id
        score.session_id = session if of == "session" else None
        score.span_id = record.span_id if of == "span" else None
        scores.append(score)
    return scores


def scores_of_events(patch: SpanPatch, events: list[Json], key: str) -> list[ScoreRecord]:
    """Return the scores of ``events`` sent as log records; ``key`` identifies the log record."""
    scores = []
    for event in events:
        score = _score(_event_values(event))
        if score is not None:
            score.score_id = _id(patch, "log", key, score.name)
            score.time = _time(event, patch.version)
            score.trace_id, score.span_id = patch.trace_id, patch.span_id
            scores.append(score)
    return scores


def _judgements(record: SpanRecord, fields: dict[str, Json]) -> Iterator[_Judgement]:
    time = record.start_time if record.end_time is None else record.end_time
    for event in fields.get("scores", ()):
        yield _Judgement("span", _event_values(event), _time(event, time))
    for field, of in _ANNOTATED.items():
        listed = fields.get(field)
        for item in listed if isinstance(listed, list) else ():
            for values in item.values() if isinstance(item, dict) else ():
                if isinstance(values, dict):
                    yield _Judgement(of, values, time)


def _event_values(event: Json) -> dict[str, Json]:
    return {_NAMES.get(name, name): value for name, value in event["attributes"].items()}


def _time(event: Json, otherwise: int) -> int:
    micros: int = event["time_ns"] // 1_000
    return micros if 0 < micros <= MAX_MICROS else otherwise


_NAMES: Final = {
    "gen_ai.evaluation.name": "name",
    "gen_ai.evaluation.score.value": "score",
    "gen_ai.evaluation.score.label": "label",
    "gen_ai.evaluation.explanation": "explanation",
}
_MAPPED: Final = frozenset(("name", "score", "explanation"))


def _score(values: dict[str, Json]) -> ScoreRecord | None:
    """Return the score without its subject; None: it has no name, or no number and no label."""
    name, number, label = (
        text(values.get("name")),
        _number(values.get("score")),
        values.get("label"),
    )
    if name is None or (number is None and text(label) is None):
        return None
    own_names = _MAPPED if number is not None else _MAPPED | {"label"}
    return ScoreRecord(
        score_id="",
        name=name[:_MAX_NAME],
        data_type="categorical" if number is None else "numeric",
        value=number,
        string_value=text(label) if number is None else None,
        comment=text(values.get("explanation")),
        source="otlp",
        metadata={
            key: values[key] for key in values if key not in own_names and values[key] is not None
        },
    )


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _id(record: SpanRecord | SpanPatch, *key: str) -> str:
    parts = "\0".join((record.trace_id, record.span_id, *key))
    return sha256(parts.encode()).hexdigest()[:32]
