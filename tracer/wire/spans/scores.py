"""Judgements that a span carries: evaluation events and annotations become scores."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from tracer.records import Json, ScoreRecord, SpanPatch, SpanRecord
from tracer.wire.dialects.table import MAX_MICROS, text

# The dialects' fields for OpenInference's annotations, and what those judge.
_ANNOTATED: Final = {
    "annotations": "span",
    "annotations_of_trace": "trace",
    "annotations_of_session": "session",
}
_MAX_NAME: Final = 200


class _Judgement(NamedTuple):
    of: str
    """span, trace or session."""
    said: dict[str, Json]
    """``name, score, label, explanation`` and whatever else."""
    time: int


def scores_of(record: SpanRecord, fields: dict[str, Json]) -> list[ScoreRecord]:
    """Return the scores that a span's ``fields`` tell; the same span gives the same ids again."""
    repeats: Counter[tuple[str, str, str]] = Counter()
    scores = []
    session: str | None = fields.get("trace.session_id")
    for judgement in _judgements(record, fields):
        score = _score(judgement.said)
        if score is None:
            continue
        of = "trace" if judgement.of == "session" and session is None else judgement.of
        identifier = text(judgement.said.get("identifier")) or ""
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
    """Return the scores of ``events`` that came as log records; ``key`` names the log record."""
    scores = []
    for event in events:
        score = _score(_said(event))
        if score is not None:
            score.score_id = _id(patch, "log", key, score.name)
            score.time = _time(event, patch.version)
            score.trace_id, score.span_id = patch.trace_id, patch.span_id
            scores.append(score)
    return scores


def _judgements(record: SpanRecord, fields: dict[str, Json]) -> Iterator[_Judgement]:
    time = record.start_time if record.end_time is None else record.end_time
    for event in fields.get("scores", ()):
        yield _Judgement("span", _said(event), _time(event, time))
    for field, of in _ANNOTATED.items():
        listed = fields.get(field)
        for item in listed if isinstance(listed, list) else ():
            for said in item.values() if isinstance(item, dict) else ():
                if isinstance(said, dict):
                    yield _Judgement(of, said, time)


def _said(event: Json) -> dict[str, Json]:
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
_TOLD: Final = frozenset(("name", "score", "explanation"))


def _score(said: dict[str, Json]) -> ScoreRecord | None:
    """Return the score without its place; None: it has no name, or neither number nor label."""
    name, number, label = text(said.get("name")), _number(said.get("score")), said.get("label")
    if name is None or (number is None and text(label) is None):
        return None
    told = _TOLD if number is not None else _TOLD | {"label"}
    return ScoreRecord(
        score_id="",
        name=name[:_MAX_NAME],
        data_type="categorical" if number is None else "numeric",
        value=number,
        string_value=text(label) if number is None else None,
        comment=text(said.get("explanation")),
        source="otlp",
        metadata={key: said[key] for key in said if key not in told and said[key] is not None},
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
    said = "\0".join((record.trace_id, record.span_id, *key))
    return sha256(said.encode()).hexdigest()[:32]
