"""The comparison itself: it reports differences, and exceptions that no longer apply."""

from __future__ import annotations

import json

import msgspec

from tests.instrumentations import seen
from tests.instrumentations.case import Case
from tests.instrumentations.catalogue import clients
from tests.instrumentations.outcome import NOT_SENT, findings, outcome
from tests.instrumentations.recording import RECORDED
from tests.support.wire.otlp import decode_json

CASE = clients.OPENINFERENCE_OPENAI


def traces() -> list[seen.Trace]:
    recorded = json.loads((RECORDED / f"{CASE.name}.json").read_text())
    return seen.of_records(decode_json(recorded["otlp"]).batch)


def problems(case: Case, seen_traces: list[seen.Trace]) -> list[str]:
    return outcome(case, findings(case, seen_traces), {}).problems


def test_a_count_that_is_off_by_one_is_a_problem() -> None:
    seen_traces = traces()
    seen_traces[0].spans[-1].usage["output"] += 1
    assert problems(CASE, seen_traces) == [
        "agent: tokens: (1300, 31, 1331), not (1300, 30, 1330)",
    ]


def test_a_message_that_lacks_its_tool_call_is_a_problem() -> None:
    seen_traces = traces()
    seen_traces[0].spans[1].output = [{"role": "assistant", "content": "Sunny."}]
    (problem,) = problems(CASE, seen_traces)
    assert problem.startswith("agent: tool call: ['assistant: Sunny.']")


def test_a_span_under_another_parent_is_a_problem() -> None:
    seen_traces = traces()
    seen_traces[1].spans[1].parent_id = None
    (problem,) = problems(CASE, seen_traces)
    assert problem == "stream: tree: is\nspan stream\ngeneration ChatCompletion"


def test_a_field_that_is_excused_but_right_is_a_problem() -> None:
    excused = msgspec.structs.replace(CASE, not_sent={**CASE.not_sent, "provider": "why"})
    reported = problems(excused, traces())
    assert reported[0] == "agent: provider: is right now: take it out of the case's exceptions"


def test_a_field_that_is_not_sent_is_marked_so() -> None:
    marks = outcome(CASE, findings(CASE, traces()), {}).marks
    assert marks["tool span"] == {"agent": NOT_SENT, "responses": NOT_SENT}
