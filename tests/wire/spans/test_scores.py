"""Evaluations in spans become scores, the same scores when the spans arrive again."""

from __future__ import annotations

from typing import Any

from tests.support.wire.otlp import SPAN_ID, START, attributes, decode_json, request, span
from tracer.records import ScoreRecord


def scores(values: dict[str, Any] | None = None, *results: dict[str, Any]) -> list[ScoreRecord]:
    events = [
        {
            "name": "gen_ai.evaluation.result",
            "timeUnixNano": str(START),
            "attributes": attributes(result),
        }
        for result in results
    ]
    return decode_json(request(span(values, events=events))).batch.scores


def evaluation(name: str, **fields: Any) -> dict[str, Any]:
    return {"gen_ai.evaluation.name": name} | {
        f"gen_ai.evaluation.{key.replace('_', '.')}": value for key, value in fields.items()
    }


def test_the_same_span_gives_the_same_scores_again() -> None:
    results = evaluation("tone", score_value=0.5), evaluation("tone", score_value=0.7)
    first, second = scores({}, *results), scores({}, *results)
    assert first == second
    assert len({score.score_id for score in first}) == 2


def test_another_evaluation_does_not_change_the_id_of_the_first() -> None:
    [alone] = scores({}, evaluation("tone", score_value=0.5))
    both = scores({}, evaluation("tone", score_value=0.5), evaluation("depth", score_label="deep"))
    assert both[0].score_id == alone.score_id


def test_a_number_beats_a_label_which_is_kept_in_the_metadata() -> None:
    [score] = scores({}, evaluation("tone", score_value=1, score_label="kind"))
    assert (score.data_type, score.value, score.string_value) == ("numeric", 1.0, None)
    assert score.metadata == {"label": "kind"}
    assert (score.source, score.span_id) == ("otlp", SPAN_ID)


def test_an_evaluation_without_a_name_or_a_value_is_no_score() -> None:
    assert (
        scores(
            {},
            evaluation("", score_value=1),
            evaluation("tone"),
            evaluation("x", score_value="NaN"),
        )
        == []
    )


def test_an_evaluation_of_an_unnamed_session_belongs_to_the_trace() -> None:
    values = {
        "session.evaluations.0.evaluation.name": "mood",
        "session.evaluations.0.evaluation.score": 3,
    }
    [of_trace] = scores(values)
    assert (of_trace.session_id, of_trace.span_id) == (None, None)
    assert of_trace.trace_id is not None
    [of_session] = scores({**values, "session.id": "s-1"})
    assert (of_session.session_id, of_session.trace_id) == ("s-1", None)


def test_scores_of_one_name_by_two_annotators_are_two_scores() -> None:
    values: dict[str, Any] = {}
    for index, annotator in enumerate(("ada", "bob")):
        values |= {
            f"annotations.{index}.annotation.name": "good",
            f"annotations.{index}.annotation.score": index,
            f"annotations.{index}.annotation.identifier": annotator,
        }
    annotations = scores(values)
    assert [score.metadata["identifier"] for score in annotations] == ["ada", "bob"]
    assert len({score.score_id for score in annotations}) == 2
