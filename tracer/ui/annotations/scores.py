"""Scores by hand: the form that gives one to a trace, a span or a session, and what it says."""

from __future__ import annotations

import math
import secrets
import time
from typing import Any, Final

from flask import abort, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.records import Batch, Json, ScoreRecord
from tracer.store.database.session import transaction
from tracer.store.scores import scores
from tracer.store.scores.scores import BY_HAND, ScoreKind
from tracer.ui.annotations.answer import remarks
from tracer.ui.base.blueprint import refuse
from tracer.ui.base.subjects import Place, marks
from tracer.ui.base.visitor import author, reader
from tracer.web.services import services

TYPES: Final = (
    ("numeric", "Number"),
    ("categorical", "Category"),
    ("boolean", "Yes or no"),
    ("text", "Text"),
)
_MOST_NAME: Final = 200
_MOST_TEXT: Final = 2_000


@marks("/scores", "POST")
def score(place: Place) -> AnyResponse | str:
    """Give a score."""
    _save(place, secrets.token_hex(16), place.subject.span_id)
    return remarks(place, "scores")


@marks("/scores/<id:score_id>", "POST")
def change_score(place: Place, score_id: str) -> AnyResponse | str:
    """Change one's own score, or with ``action=delete`` take it back."""
    project_id = place.subject.project_id
    found = scores.get_score(project_id, score_id)
    here = (place.subject.trace_id or None, place.subject.session_id or None)
    if found is None or (found.trace_id, found.session_id) != here:
        abort(404, "This score is not here any more.")
    if found.source != BY_HAND or not reader().wrote(found.author_id):
        abort(403, "Only who gave a score can change it.")
    if request.form.get("action") == "delete":
        with transaction():
            scores.delete_score(project_id, score_id)
    else:
        _save(place, score_id, found.span_id)
    return remarks(place, "scores")


def _save(place: Place, score_id: str, span_id: str | None) -> None:
    said = _said(place.score_kinds)
    who = author(named=True)
    record = ScoreRecord(
        score_id=score_id,
        trace_id=place.subject.trace_id or None,
        session_id=place.subject.session_id or None,
        span_id=span_id,
        source=BY_HAND,
        time=time.time_ns() // 1000,
        author=who.name,
        author_id=who.author_id,
        **said,
    )
    for rejected in services().writer.write(place.subject.project_id, Batch(scores=[record])):
        refuse(rejected.reason)


def _said(kinds: list[ScoreKind]) -> dict[str, Any]:
    """Return the fields of the score that the form describes; 422 where it describes none."""
    name, data_type = _field("name"), request.form.get("data_type", "")
    if not name or len(name) > _MOST_NAME:
        refuse(f"Name the score, in at most {_MOST_NAME} characters.")
    if data_type not in dict(TYPES):
        refuse("Choose a type: number, category, yes or no, or text.")
    known = next((k for k in kinds if (k.name, k.data_type) == (name, data_type)), None)
    said: dict[str, Any] = {"name": name, "data_type": data_type, "comment": _comment()}
    if data_type == "numeric":
        return said | _number(known)
    if data_type == "boolean":
        answer = request.form.get("yes")
        if answer not in ("yes", "no"):
            refuse("Choose yes or no.")
        return said | {"value": float(answer == "yes")}
    text = _field("category" if data_type == "categorical" else "said")
    if not text or len(text) > _MOST_TEXT:
        refuse(f"Say what the score is, in at most {_MOST_TEXT:,} characters.")
    said["string_value"] = text
    if data_type == "categorical":
        before = known.categories if known else []
        said["metadata"] = {"categories": list(dict.fromkeys([*before, text]))[:50]}
    return said


def _number(known: ScoreKind | None) -> dict[str, Json]:
    """Return the number and its range; where the form names none, that of the last such score."""
    value = _float("value")
    if value is None:
        refuse("Say what the score is: a number.")
    low, high = _float("low"), _float("high")
    if low is None and high is None and known is not None:
        low, high = known.low, known.high
    if low is not None and high is not None and low > high:
        refuse(f"The range runs backwards: {low:g} to {high:g}.")
    if (low is not None and value < low) or (high is not None and value > high):
        ends = [f"{end:g}" if end is not None else "any" for end in (low, high)]
        refuse(f"{value:g} is outside of the range, {ends[0]} to {ends[1]}.")
    bounds = {"min": low, "max": high}
    kept = {name: end for name, end in bounds.items() if end is not None}
    return {"value": value, "metadata": kept}


def _float(name: str) -> float | None:
    text = _field(name)
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        refuse(f"“{text}” is no number.")
    return number


def _comment() -> str | None:
    text = _field("comment")
    if len(text) > _MOST_TEXT:
        refuse(f"The comment has more than {_MOST_TEXT:,} characters.")
    return text or None


def _field(name: str) -> str:
    return request.form.get(name, "").replace("\x00", "").replace("\r\n", "\n").strip()
