"""The measures of many traces, spans, sessions, users and scores."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.measure.question import Question, read_question
from tracer.store.measure.answer import answer as measure
from tracer.web.answers.measures import Measurement, measurement
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.operations import WRITE_PROBLEMS, Operation, answer, describe, set_up
from tracer.wire.reading import read_storable_json

bp = Blueprint("metrics", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.post("/metrics")
@describe(
    Operation(
        summary="Measure traces, spans, sessions, users or scores",
        body=Question,
        answers={200: Measurement},
        problems=WRITE_PROBLEMS,
    )
)
def ask() -> Response:
    """Return the values that a question (measure, groups, time range, filter) defines."""
    question = read_question(read_storable_json(json_body()))
    return answer(measurement(measure(current_project_id(), question)))
