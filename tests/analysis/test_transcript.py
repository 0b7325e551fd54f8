"""A conversation that is sent again with every call is told once."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.transcript import Spoken, Told, tell

ASK = {"role": "user", "content": "Where is my order?"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"n": 7}'}}
    ],
}
RESULT = {"role": "tool", "tool_call_id": "1", "content": '{"state": "sent"}'}
ANSWER = {"role": "assistant", "content": "It is on its way."}


def model(span_id: str, sent: Any, answer: Any) -> Spoken:
    return Spoken(span_id, "generation", "chat", sent, answer)


def texts(told: Told) -> list[str]:
    return [part.text or part.name or "" for m in told.new for part in m.parts]


def test_each_message_is_told_where_it_was_said_first() -> None:
    first, second = tell(
        [
            model("a", [ASK], [ANSWER]),
            model("b", [ASK, ANSWER, {**ASK, "content": "When?"}], "Soon"),
        ]
    )
    assert (texts(first), first.again) == (["Where is my order?"], 0)
    assert (texts(second), second.again) == (["When?"], 2)
    assert [part.text for part in second.answer[0].parts] == ["Soon"]


def test_a_tool_that_a_model_called_shows_its_result_and_no_second_call() -> None:
    tool = Spoken("t", "tool", "find", {"n": 7}, {"state": "sent"})
    asked, ran, after = tell(
        [model("a", [ASK], [CALL]), tool, model("b", [ASK, CALL, RESULT], [ANSWER])]
    )
    assert [part.type for part in asked.answer[0].parts] == ["tool_call"]
    assert (ran.called, ran.new) == (True, [])
    assert ran.answer[0].parts[0].data == {"state": "sent"}
    assert (after.new, after.again) == ([], 3)


def test_a_tool_that_nobody_called_shows_its_arguments() -> None:
    [ran] = tell([Spoken("t", "tool", "find", {"n": 7}, None)])
    assert not ran.called and ran.answer == []
    assert (ran.new[0].parts[0].name, ran.new[0].parts[0].data) == ("find", {"n": 7})


def test_a_result_without_a_span_of_its_own_is_told_by_the_call_that_sends_it() -> None:
    _, after = tell([model("a", [ASK], [CALL]), model("b", [ASK, CALL, RESULT], [ANSWER])])
    assert [part.type for m in after.new for part in m.parts] == ["tool_result"]
    assert after.again == 2


def test_other_roles_say_something_else() -> None:
    [told] = tell([model("a", [ASK, {**ASK, "role": "assistant"}, ASK], None)])
    assert (len(told.new), told.again) == (2, 1)


@given(st.lists(st.tuples(st.sampled_from("us"), st.sampled_from("abc")), max_size=8))
def test_a_growing_conversation_tells_each_distinct_message_once(
    talk: list[tuple[str, str]],
) -> None:
    sent = [{"role": {"u": "user", "s": "system"}[r], "content": t} for r, t in talk]
    told = tell(model(f"{n}", sent[: n + 1], None) for n in range(len(sent)))
    said = [(m.role[0], m.parts[0].text) for one in told for m in one.new]
    assert said == list(dict.fromkeys(talk))
    assert sum(len(one.new) + one.again for one in told) == len(sent) * (len(sent) + 1) // 2
