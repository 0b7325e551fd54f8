"""Messages of every API are read into one form; lists show a value as one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.message_cases import CASES, OPENAI_CALL, text
from tracer.messages.conversation import Message, read_messages
from tracer.messages.previews import preview


@pytest.mark.parametrize("name", CASES)
def test_messages_of_an_api_are_read(name: str) -> None:
    value, messages = CASES[name]
    output = name in ("openai choices", "gemini answer")
    assert read_messages(value, output=output) == messages
    assert read_messages(json.dumps(value), output=output) == messages


@pytest.mark.parametrize(
    "value",
    [
        None,
        "plain",
        "[broken",
        5,
        [],
        {},
        [1, 2],
        {"city": "Paris"},
        {"role": "admin", "name": "x"},
        {"messages": []},
        {"content": "x"},
        [{"role": "user"}, {"role": "assistant"}],
        [{"city": "Rome"}, "x"],
        {"message": "created", "status": 200},
        {"type": "phone_call", "name": "Ann"},
        [{"type": "phone_call", "name": "Ann"}, {"type": "email"}],
        {"data": {"role": "user", "content": "x"}},
        {"content": [{"type": "text", "text": "x"}], "price": 3},
        ["user", "assistant"],
    ],
)
def test_a_value_that_is_no_message_is_none(value: Any) -> None:
    assert read_messages(value) is None


def test_an_answer_may_lack_its_role() -> None:
    assert read_messages({"content": "x"}, output=True) == [
        Message(role="assistant", parts=[text("x")])
    ]


HISTORY = [
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "three"},
    {"role": "assistant", "tool_calls": [OPENAI_CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "42"},
]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (HISTORY[:2], "two"),
        (HISTORY[:3], "two"),
        (HISTORY, 'f({"a":1})'),
        ([{"type": "human", "content": "one"}, {"type": "ai", "content": "two"}], "two"),
        ({"messages": HISTORY[:2]}, "two"),
        (HISTORY[:1], "one"),
        ({"text": "Sunny.", "files": []}, "Sunny."),
        ({"text": "Sunny.", "price": 3}, '{"text":"Sunny.","price":3}'),
        ({"role": "assistant", "audio": {"id": "a", "transcript": "Hello"}}, "Hello"),
        ([{"type": "image", "b64_json": "iVBORw0KGgo="}], "[image]"),
    ],
)
def test_the_preview_of_an_output_is_its_last_answer(value: Any, line: str) -> None:
    assert preview(value, output=True) == line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, ""),
        (HISTORY, "three"),
        ("two\n lines", "two lines"),
        ({"a": [1]}, '{"a":[1]}'),
        ([{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}], "one"),
        ({"role": "assistant", "content": "two"}, "two"),
        ({"role": "assistant", "tool_calls": [OPENAI_CALL]}, 'f({"a":1})'),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_the_preview_is_one_line_of_the_users_last_message(value: Any, line: str) -> None:
    assert preview(value) == line


NAMES = """role content parts type message messages tool_calls function kwargs text input output
functionCall contents choices id name source"""

names = st.sampled_from(NAMES.split())
values = st.recursive(
    st.none()
    | st.integers()
    | st.sampled_from(["user", "text", "tool_use", "reasoning", "ai", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_no_value_raises(value: Any, output: bool) -> None:
    messages = read_messages(value, output=output)
    assert messages is None or messages
    assert "\n" not in preview(value)
