"""The transcript shows each message of a conversation once, though each call sends them all."""

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


def texts(entry: Told) -> list[str]:
    return [part.text or part.name or "" for m in entry.new for part in m.parts]


def test_each_message_is_new_in_the_entry_of_its_first_call() -> None:
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
    call, ran, after = tell(
        [model("a", [ASK], [CALL]), tool, model("b", [ASK, CALL, RESULT], [ANSWER])]
    )
    assert [part.type for part in call.answer[0].parts] == ["tool_call"]
    assert (ran.called, ran.new) == (True, [])
    assert ran.answer[0].parts[0].data == {"state": "sent"}
    assert (after.new, after.again) == ([], 3)


def test_a_tool_that_no_model_called_shows_its_arguments() -> None:
    [ran] = tell([Spoken("t", "tool", "find", {"n": 7}, None)])
    assert not ran.called and ran.answer == []
    assert (ran.new[0].parts[0].name, ran.new[0].parts[0].data) == ("find", {"n": 7})


def test_a_tool_result_without_a_span_is_new_in_the_call_that_sends_it() -> None:
    _, after = tell([model("a", [ASK], [CALL]), model("b", [ASK, CALL, RESULT], [ANSWER])])
    assert [part.type for m in after.new for part in m.parts] == ["tool_result"]
    assert after.again == 2


def test_the_same_text_in_another_role_is_another_message() -> None:
    [entry] = tell([model("a", [ASK, {**ASK, "role": "assistant"}, ASK], None)])
    assert (len(entry.new), entry.again) == (2, 1)


@given(st.lists(st.tuples(st.sampled_from("us"), st.sampled_from("abc")), max_size=8))
def test_each_distinct_message_of_a_growing_conversation_is_new_once(
    talk: list[tuple[str, str]],
) -> None:
    sent = [{"role": {"u": "user", "s": "system"}[r], "content": t} for r, t in talk]
    entries = tell(model(f"{n}", sent[: n + 1], None) for n in range(len(sent)))
    messages = [(m.role[0], m.parts[0].text) for entry in entries for m in entry.new]
    assert messages == list(dict.fromkeys(talk))
    assert (
        sum(len(entry.new) + entry.again for entry in entries) == len(sent) * (len(sent) + 1) // 2
    )
