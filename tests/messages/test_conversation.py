"""Messages of every API read as one form, and the line that stands for a value in lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.messages.conversation import Message, Part, read_messages
from tracer.messages.previews import preview


def text(words: str) -> Part:
    return Part(type="text", text=words)


def user(words: str) -> Message:
    return Message(role="user", parts=[text(words)])


def call(name: str, data: Any, id: str | None = None) -> Part:
    return Part(type="tool_call", name=name, data=data, id=id)


def result(words: str, id: str | None = None, name: str | None = None) -> Part:
    return Part(type="tool_result", text=words, id=id, name=name)


OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}

CASES: dict[str, tuple[Any, list[Message]]] = {
    "openai chat": (
        [
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ],
        [
            Message(role="system", parts=[text("Be brief.")]),
            Message(role="assistant", parts=[call("f", {"a": 1}, "c1")]),
            Message(role="tool", parts=[result("42", "c1")]),
        ],
    ),
    "openai image": (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://e/i"}}]}],
        [Message(role="user", parts=[Part(type="image", url="https://e/i")])],
    ),
    "openai choices": (
        {"choices": [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]},
        [Message(role="assistant", parts=[text("x")], finish_reason="stop")],
    ),
    "openai responses": (
        {
            "model": "o3",
            "instructions": "Be nice.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "done"},
            ],
        },
        [
            Message(role="system", parts=[text("Be nice.")]),
            user("hi"),
            Message(
                role="assistant", parts=[Part(type="reasoning", text="hm"), call("f", {}, "c")]
            ),
            Message(role="tool", parts=[result("done", "c")]),
        ],
    ),
    "anthropic": (
        [
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "content": [{"type": "text", "text": "ok"}],
                    },
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="},
                    },
                ],
            },
        ],
        [
            Message(
                role="assistant",
                parts=[Part(type="reasoning", text="hm"), call("f", {"x": 1}, "t")],
            ),
            Message(
                role="user",
                parts=[
                    result("ok", "t"),
                    Part(type="image", mime_type="image/png", url="data:image/png;base64,QQ=="),
                ],
            ),
        ],
    ),
    "opentelemetry": (
        [
            {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "1", "name": "f", "arguments": {"b": 2}}],
                "finish_reason": "tool_call",
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "r"}]},
        ],
        [
            user("hi"),
            Message(role="assistant", parts=[call("f", {"b": 2}, "1")], finish_reason="tool_call"),
            Message(role="tool", parts=[result("r", "1")]),
        ],
    ),
    "opentelemetry blob": (
        [
            {
                "role": "user",
                "parts": [
                    {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "QQ"}
                ],
            }
        ],
        [
            Message(
                role="user",
                parts=[Part(type="audio", mime_type="audio/wav", url="data:audio/wav;base64,QQ")],
            )
        ],
    ),
    "gemini": (
        {
            "systemInstruction": {"parts": [{"text": "sys"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]},
            ],
        },
        [
            Message(role="system", parts=[text("sys")]),
            user("hi"),
            Message(role="assistant", parts=[call("f", {"x": 1})]),
        ],
    ),
    "gemini answer": (
        {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]},
        [Message(role="assistant", parts=[text("x")], finish_reason="STOP")],
    ),
    "langchain": (
        {
            "messages": [
                [
                    {"id": ["langchain", "HumanMessage"], "kwargs": {"content": "a"}},
                    {"type": "ai", "content": "b"},
                ]
            ]
        },
        [user("a"), Message(role="assistant", parts=[text("b")])],
    ),
    "wrapped": ([{"message": {"role": "user", "content": "hi"}}], [user("hi")]),
    "bare": ({"role": "user", "content": "hi"}, [user("hi")]),
    "bedrock converse": (
        {
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "hi"}]},
                {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}}],
                },
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "42"}]}}],
                },
            ],
        },
        [
            Message(role="system", parts=[text("Be brief.")]),
            user("hi"),
            Message(role="assistant", parts=[call("f", {"a": 1}, "c1")]),
            Message(role="user", parts=[result("42", "c1")]),
        ],
    ),
    "ai sdk tool result": (
        [
            {
                "role": "tool",
                "content": [
                    {
                        "type": "tool-result",
                        "toolCallId": "c1",
                        "toolName": "f",
                        "output": {"type": "text", "value": "42"},
                    }
                ],
            }
        ],
        [Message(role="tool", parts=[result("42", "c1", "f")])],
    ),
    "ai sdk prompt": (
        {"system": "Be brief.", "prompt": "hi"},
        [Message(role="system", parts=[text("Be brief.")]), user("hi")],
    ),
    "opentelemetry event": (
        [
            {"role": "assistant", "tool_calls": json.dumps([OPENAI_CALL])},
            {"role": "tool", "content": "42", "id": "c1"},
        ],
        [
            Message(role="assistant", parts=[call("f", {"a": 1}, "c1")]),
            Message(role="tool", parts=[result("42", "c1")]),
        ],
    ),
    "a call said twice": (
        [
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}],
                "tool_calls": [OPENAI_CALL],
            }
        ],
        [Message(role="assistant", parts=[call("f", {"a": 1}, "c1")])],
    ),
    "a call of the api's own tool": (
        [{"type": "web_search_call", "id": "w1", "action": {"query": "cats"}}],
        [Message(role="assistant", parts=[call("web_search", {"query": "cats"}, "w1")])],
    ),
    "a joined stream": (
        {"combined_chunk_content": "Hello", "chunk_count": 3},
        [Message(role="assistant", parts=[text("Hello")])],
    ),
    "a tool offered among the messages": (
        [
            {"role": "user", "content": "Rain?"},
            {"role": "tool", "content": {"type": "function", "function": {"name": "weather"}}},
            {"role": "tool", "tool_call_id": "c1", "content": {"function": "none of ours"}},
        ],
        [
            user("Rain?"),
            Message(
                role="tool",
                parts=[Part(type="tool_result", id="c1", data={"function": "none of ours"})],
            ),
        ],
    ),
    "an unknown role": ([{"role": "unknown", "content": "hi"}], [user("hi")]),
    "what is not understood": (
        [{"role": "user", "content": [{"type": "hologram", "depth": 3}]}],
        [
            Message(
                role="user",
                parts=[Part(type="data", name="hologram", data={"type": "hologram", "depth": 3})],
            )
        ],
    ),
}


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
def test_what_is_no_message_is_none(value: Any) -> None:
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
def test_the_preview_is_one_line_of_what_the_user_said_last(value: Any, line: str) -> None:
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
