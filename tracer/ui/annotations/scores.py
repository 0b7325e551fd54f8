"""Scores by hand on traces, spans and sessions: the forms that create and change them."""

from __future__ import annotations

import math
import secrets
import time
from typing import Any, Final

from flask import abort, request
from werkzeug.wrappers import Response as AnyResponse

from tracer.export.figures import number
from tracer.records import Batch, Json, ScoreRecord
from tracer.store.database.session import transaction
from tracer.store.scores import scores
from tracer.store.scores.scores import BY_HAND, ScoreKind
from tracer.ui.annotations.answer import annotations_of
from tracer.ui.annotations.score_menu import menu_after
from tracer.ui.base.blueprint import is_fragment, refuse
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import author, current_visitor
from tracer.web.services import services

TYPES: Final = (
    ("numeric", "Number"),
    ("categorical", "Category"),
    ("boolean", "Yes or no"),
    ("text", "Text"),
)
_MAX_NAME: Final = 200
_MAX_TEXT: Final = 2_000


@annotation_route("/scores", "POST")
def score(target: AnnotationTarget) -> AnyResponse | str:
    """Create a score, or with ``lines`` one for each of the project's scores that has a value.

    htmx gets the popover for a form that has ``menu``.
    """
    in_menu = "menu" in request.form and is_fragment()
    if "lines" not in request.form:
        _save(target, secrets.token_hex(16), target.subject.span_id)
        return menu_after(target) if in_menu else annotations_of(target, "scores")
    saved, refused = _save_values(target)
    if in_menu and (saved or refused):
        return menu_after(target, saved, refused)
    if refused:
        reasons = " ".join(f"{name}: {reason}" for name, (_, reason) in refused.items())
        refuse(f"Not saved: {reasons}{' The others are saved.' if saved else ''}")
    if not saved:
        refuse("Enter at least one value.")
    return annotations_of(target, "scores")


@annotation_route("/scores/<id:score_id>", "POST")
def change_score(target: AnnotationTarget, score_id: str) -> AnyResponse | str:
    """Change the visitor's own score, or with ``action=delete`` delete it."""
    project_id = target.subject.project_id
    row = scores.get_score(project_id, score_id)
    if row is None or not target.holds(row.trace_id, row.session_id):
        abort(404, "This score does not exist; it may have been deleted.")
    if row.source != BY_HAND or not current_visitor().wrote(row.author_id):
        abort(403, "Only its author can change a score.")
    if request.form.get("action") == "delete":
        with transaction():
            scores.delete_score(project_id, score_id)
    else:
        _save(target, score_id, row.span_id)
    return annotations_of(target, "scores")


def _save(target: AnnotationTarget, score_id: str, span_id: str | None) -> None:
    _write(target, score_id, span_id, _form_fields(scores.list_kinds(target.subject.project_id)))


def _save_values(target: AnnotationTarget) -> tuple[int, dict[str, tuple[str, str]]]:
    """Save the values that are valid; return their number, and (value, reason) of the others."""
    saved, refused = 0, {}
    author(named=True)
    for kind in scores.list_kinds(target.subject.project_id):
        text = _field(f"line.{kind.name}")
        if not text:
            continue
        try:
            fields = _value_fields(kind, text)
        except ValueError as error:
            refused[kind.name] = text, str(error)
            continue
        saved += 1
        _write(target, secrets.token_hex(16), target.subject.span_id, fields)
    return saved, refused


def _value_fields(kind: ScoreKind, text: str) -> dict[str, Any]:
    """Return the fields of a score of this kind; ValueError: the value is not valid."""
    fields: dict[str, Any] = {"name": kind.name, "data_type": kind.data_type}
    fields |= {"comment": _comment(), "config_id": kind.config_id}
    if kind.data_type == "boolean":
        return fields | {"value": float(text == "yes")}
    if kind.data_type == "numeric":
        return fields | _in_range(_finite(text), kind.low, kind.high)
    if len(text) > _MAX_TEXT:
        raise ValueError(f"more than {_MAX_TEXT:,} characters.")
    # The next such score offers the same categories.
    choices = {"metadata": {"categories": kind.categories}} if kind.categories else {}
    return fields | {"string_value": text} | choices


def _write(
    target: AnnotationTarget, score_id: str, span_id: str | None, fields: dict[str, Any]
) -> None:
    subject = target.subject
    scorer = author(named=True)
    record = ScoreRecord(
        score_id=score_id,
        trace_id=subject.trace_id or None,
        session_id=subject.session_id or None,
        span_id=span_id,
        source=BY_HAND,
        time=time.time_ns() // 1000,
        author=scorer.name,
        author_id=scorer.author_id,
        **fields,
    )
    for rejected in services().writer.write(subject.project_id, Batch(scores=[record])):
        refuse(rejected.reason)


def _form_fields(kinds: list[ScoreKind]) -> dict[str, Any]:
    """Return the score's fields as the form has them; 422 where they are not valid."""
    name, data_type = _field("name"), request.form.get("data_type", "")
    if not name or len(name) > _MAX_NAME:
        refuse(f"Enter the score's name, in at most {_MAX_NAME} characters.")
    if data_type not in dict(TYPES):
        refuse("Choose a type: number, category, yes or no, or text.")
    previous = next((k for k in kinds if (k.name, k.data_type) == (name, data_type)), None)
    fields: dict[str, Any] = {"name": name, "data_type": data_type, "comment": _comment()}
    if data_type == "numeric":
        return fields | _number(previous)
    if data_type == "boolean":
        answer = request.form.get("yes")
        if answer not in ("yes", "no"):
            refuse("Choose yes or no.")
        return fields | {"value": float(answer == "yes")}
    text = _field("category" if data_type == "categorical" else "text_value")
    if not text or len(text) > _MAX_TEXT:
        refuse(f"Enter the score's text, in at most {_MAX_TEXT:,} characters.")
    fields["string_value"] = text
    if data_type == "categorical":
        earlier = previous.categories if previous else []
        fields["metadata"] = {"categories": list(dict.fromkeys([*earlier, text]))[:50]}
    return fields


def _number(previous: ScoreKind | None) -> dict[str, Json]:
    """Return the value and its range; without one in the form, that of the previous such score."""
    value = _float("value")
    if value is None:
        refuse("Enter the score's value: a number.")
    low, high = _float("low"), _float("high")
    if low is None and high is None and previous is not None:
        low, high = previous.low, previous.high
    if low is not None and high is not None and low > high:
        refuse(f"The range is empty: {number(low)} to {number(high)}.")
    try:
        return _in_range(value, low, high)
    except ValueError as error:
        refuse(str(error))


def _in_range(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    """Return the fields of a number with its range; ValueError: it is outside."""
    if (low is not None and value < low) or (high is not None and value > high):
        ends = [number(end) if end is not None else "any" for end in (low, high)]
        raise ValueError(f"{number(value)} is outside the range {ends[0]} to {ends[1]}.")
    bounds = {"min": low, "max": high}
    given = {name: end for name, end in bounds.items() if end is not None}
    return {"value": value, "metadata": given}


def _float(name: str) -> float | None:
    text = _field(name)
    try:
        return _finite(text) if text else None
    except ValueError as error:
        refuse(str(error))


def _finite(text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"“{text}” is not a number.")
    return number


def _comment() -> str | None:
    text = _field("comment")
    if len(text) > _MAX_TEXT:
        refuse(f"The comment has more than {_MAX_TEXT:,} characters.")
    return text or None


def _field(name: str) -> str:
    return request.form.get(name, "").replace("\r\n", "\n").strip()
