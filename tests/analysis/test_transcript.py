"""The transcript shows each message of a conversation once, though each call sends them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.transcript import Added, ConversationStep, Transcript

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


def model(span_id: str, sent: Any, answer: Any) -> ConversationStep:
    return ConversationStep(span_id, "generation", "chat", sent, answer)


def added(steps: Iterable[ConversationStep]) -> list[Added]:
    """Return the conversation of steps that come in the order of time."""
    transcript = Transcript()
    return [transcript.add(step) for step in steps]


def texts(entry: Added) -> list[str]:
    return [part.text or part.name or "" for m in entry.new for part in m.parts]


def test_each_message_is_new_in_the_entry_of_its_first_call() -> None:
    first, second = added(
        [
            model("a", [ASK], [ANSWER]),
            model("b", [ASK, ANSWER, {**ASK, "content": "When?"}], "Soon"),
        ]
    )
    assert (texts(first), first.repeated_count) == (["Where is my order?"], 0)
    assert (texts(second), second.repeated_count) == (["When?"], 2)
    assert [part.text for part in second.answer[0].parts] == ["Soon"]


def test_a_tool_that_a_model_called_shows_its_result_and_no_second_call() -> None:
    tool = ConversationStep("t", "tool", "find", {"n": 7}, {"state": "sent"})
    call, ran, after = added(
        [model("a", [ASK], [CALL]), tool, model("b", [ASK, CALL, RESULT], [ANSWER])]
    )
    assert [part.type for part in call.answer[0].parts] == ["tool_call"]
    assert (ran.called, ran.new) == (True, [])
    assert ran.answer[0].parts[0].data == {"state": "sent"}
    assert (after.new, after.repeated_count) == ([], 3)


def test_a_tool_that_no_model_called_shows_its_arguments() -> None:
    [ran] = added([ConversationStep("t", "tool", "find", {"n": 7}, None)])
    assert not ran.called
    assert ran.answer == []
    assert (ran.new[0].parts[0].name, ran.new[0].parts[0].data) == ("find", {"n": 7})


def test_a_tool_result_without_a_span_is_new_in_the_call_that_sends_it() -> None:
    _, after = added([model("a", [ASK], [CALL]), model("b", [ASK, CALL, RESULT], [ANSWER])])
    assert [part.type for m in after.new for part in m.parts] == ["tool_result"]
    assert after.repeated_count == 2


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_equal_messages_of_one_input_are_all_new() -> None:
    [entry] = added([model("a", [user("yes"), user("yes"), assistant("yes"), user("yes")], None)])
    assert (len(entry.new), entry.repeated_count) == (4, 0)


def test_an_answer_that_is_given_again_is_new_again() -> None:
    talk = [user("Ready?"), assistant("yes"), user("yes"), assistant("yes"), user("yes")]
    entries = added(model(str(n), talk[:n], talk[n]) for n in (1, 3))
    assert [texts(entry) for entry in entries] == [["Ready?"], ["yes"]]
    assert [entry.repeated_count for entry in entries] == [0, 2]


def test_equal_results_of_tools_without_spans_are_all_new() -> None:
    calls = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "id": str(n)} for n in range(30)]}
    results = [{**RESULT, "tool_call_id": str(n)} for n in range(30)]
    _, after = added([model("a", [ASK], [calls]), model("b", [ASK, calls, *results], [ANSWER])])
    assert len([part for m in after.new for part in m.parts]) == 30
    assert after.repeated_count == 2


def test_results_that_their_own_spans_show_are_repeats_in_any_order() -> None:
    outputs = [{"state": state} for state in ("sent", "lost", "sent")]
    tools = [
        ConversationStep(str(n), "tool", "find", {"n": n}, value) for n, value in enumerate(outputs)
    ]
    results = [{**RESULT, "content": f'{{"state": "{s}"}}'} for s in ("lost", "sent", "sent")]
    steps = [model("a", [ASK], [CALL]), *tools, model("b", [ASK, CALL, *results], [ANSWER])]
    assert (added(steps)[-1].new, added(steps)[-1].repeated_count) == ([], 5)


def test_a_result_that_arrives_again_without_a_span_is_new() -> None:
    tool = ConversationStep("t", "tool", "find", {"n": 7}, {"state": "sent"})
    nested = ConversationStep("u", "tool", "find", None, {"state": "sent"})
    again = [ASK, CALL, RESULT, CALL, RESULT]
    steps = [
        model("a", [ASK], [CALL]),
        *(tool, nested),
        model("b", again[:3], [CALL]),
        model("c", again, [ANSWER]),
    ]
    entries = added(steps)
    assert (entries[3].new, entries[3].repeated_count) == ([], 3)
    assert (len(entries[4].new), entries[4].repeated_count) == (1, 4)


def test_agents_that_take_turns_repeat_their_own_calls() -> None:
    first = [user("plan"), assistant("a plan"), user("go on"), assistant("done")]
    second = [user("write"), assistant("a text"), user("go on"), assistant("done")]
    entries = added(
        [
            model("a", first[:1], first[1]),
            model("b", second[:1], second[1]),
            model("c", first[:3], first[3]),
            model("d", second[:3], second[3]),
        ]
    )
    assert [texts(entry) for entry in entries] == [["plan"], ["write"], ["go on"], ["go on"]]


def test_a_call_that_sends_only_the_end_of_the_conversation_repeats_it() -> None:
    head = [{"role": "system", "content": "Be brief."}]
    talk = [*(user(str(n)) if n % 2 == 0 else assistant(str(n)) for n in range(9))]
    entries = added(
        [
            model("a", head + talk[:7], talk[7]),
            model("b", head + talk[4:9], assistant("end")),
        ]
    )
    assert (texts(entries[1]), entries[1].repeated_count) == (["8"], 5)


def test_a_new_message_that_equals_an_old_one_is_new() -> None:
    entries = added(
        [
            model("a", [user("hi"), assistant("hello"), user("yes")], "fine"),
            model("b", [user("hi"), user("yes")], "fine"),
        ]
    )
    assert (texts(entries[1]), entries[1].repeated_count) == (["yes"], 1)


@given(st.lists(st.tuples(st.sampled_from("us"), st.sampled_from("ab")), min_size=1, max_size=8))
def test_each_message_of_a_growing_conversation_is_new_once(talk: list[tuple[str, str]]) -> None:
    sent = [{"role": {"u": "user", "s": "system"}[r], "content": t} for r, t in talk]
    entries = added(model(f"{n}", sent[: n + 1], None) for n in range(len(sent)))
    assert [(m.role[0], m.parts[0].text) for entry in entries for m in entry.new] == talk
    assert [entry.repeated_count for entry in entries] == list(range(len(sent)))


TALKS = st.lists(st.sampled_from([user("a"), user("b"), assistant("a")]), max_size=6)


@given(TALKS, st.sampled_from([None, "a", "c"]), TALKS, st.sampled_from([None, "a", "c"]))
def test_every_message_is_either_new_or_a_repeat(
    first: list[Any], answer: str | None, second: list[Any], other: str | None
) -> None:
    entries = added([model("a", first, answer), model("b", second, other)])
    assert [len(entry.new) + entry.repeated_count for entry in entries] == [len(first), len(second)]
    assert entries[0].repeated_count == 0
    # Nothing is a repeat that stood nowhere before.
    known = [*first, assistant(answer)] if answer else first
    assert entries[1].repeated_count <= len([message for message in second if message in known])
