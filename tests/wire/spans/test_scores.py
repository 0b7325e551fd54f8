"""Judgements that spans carry become scores, the same ones again when the spans come again."""

from __future__ import annotations

from typing import Any

from tests.support.wire.otlp import SPAN_ID, START, attributes, decode_json, request, span
from tracer.records import ScoreRecord


def scores(says: dict[str, Any] | None = None, *results: dict[str, Any]) -> list[ScoreRecord]:
    events = [
        {
            "name": "gen_ai.evaluation.result",
            "timeUnixNano": str(START),
            "attributes": attributes(result),
        }
        for result in results
    ]
    return decode_json(request(span(says, events=events))).batch.scores


def judged(name: str, **said: Any) -> dict[str, Any]:
    return {"gen_ai.evaluation.name": name} | {
        f"gen_ai.evaluation.{key.replace('_', '.')}": value for key, value in said.items()
    }


def test_the_same_span_gives_the_same_scores_again() -> None:
    said = judged("tone", score_value=0.5), judged("tone", score_value=0.7)
    first, second = scores({}, *said), scores({}, *said)
    assert first == second
    assert len({score.score_id for score in first}) == 2


def test_another_judgement_of_a_name_does_not_change_the_id_of_the_first() -> None:
    [alone] = scores({}, judged("tone", score_value=0.5))
    both = scores({}, judged("tone", score_value=0.5), judged("depth", score_label="deep"))
    assert both[0].score_id == alone.score_id


def test_a_number_wins_over_a_label_which_stays_in_the_metadata() -> None:
    [score] = scores({}, judged("tone", score_value=1, score_label="kind"))
    assert (score.data_type, score.value, score.string_value) == ("numeric", 1.0, None)
    assert score.metadata == {"label": "kind"}
    assert (score.source, score.span_id) == ("otlp", SPAN_ID)


def test_what_has_no_name_or_no_verdict_is_no_score() -> None:
    assert (
        scores({}, judged("", score_value=1), judged("tone"), judged("x", score_value="NaN")) == []
    )


def test_a_judgement_of_a_session_that_nobody_named_is_one_of_the_trace() -> None:
    said = {
        "session.evaluations.0.evaluation.name": "mood",
        "session.evaluations.0.evaluation.score": 3,
    }
    [of_trace] = scores(said)
    assert (of_trace.session_id, of_trace.span_id) == (None, None)
    assert of_trace.trace_id is not None
    [of_session] = scores({**said, "session.id": "s-1"})
    assert (of_session.session_id, of_session.trace_id) == ("s-1", None)


def test_annotators_of_one_name_are_told_apart() -> None:
    said: dict[str, Any] = {}
    for place, who in enumerate(("ada", "bob")):
        said |= {
            f"annotations.{place}.annotation.name": "good",
            f"annotations.{place}.annotation.score": place,
            f"annotations.{place}.annotation.identifier": who,
        }
    found = scores(said)
    assert [score.metadata["identifier"] for score in found] == ["ada", "bob"]
    assert len({score.score_id for score in found}) == 2
