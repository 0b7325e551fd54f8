"""Messages as agent frameworks and the AI SDK's pages store them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.message_cases import call, result, text, user
from tracer.messages.conversation import Message, Part, read_messages


def assistant(*parts: Part, **fields: Any) -> Message:
    return Message(role="assistant", parts=list(parts), **fields)


CODE = {"type": "code_interpreter", "code": "1+1"}
LOGS = {"type": "code_interpreter", "outputs": [{"type": "logs", "logs": "2"}]}
CASES: dict[str, tuple[Any, list[Message]]] = {
    "AI SDK's pages": (
        [
            {"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]},
            {
                "id": "2",
                "role": "assistant",
                "parts": [
                    {"type": "step-start"},
                    {
                        "type": "tool-getWeather",
                        "toolCallId": "c",
                        "state": "output-available",
                        "input": {"city": "Paris"},
                        "output": {"degrees": 20},
                    },
                    {
                        "type": "dynamic-tool",
                        "toolName": "search",
                        "toolCallId": "d",
                        "state": "output-error",
                        "input": {},
                        "errorText": "offline",
                    },
                    {"type": "text", "text": "ok"},
                ],
            },
        ],
        [
            user("hi"),
            assistant(
                call("getWeather", {"city": "Paris"}, "c"),
                Part(type="tool_result", name="getWeather", id="c", data={"degrees": 20}),
                call("search", {}, "d"),
                result("offline", "d", "search"),
                text("ok"),
            ),
        ],
    ),
    "AutoGen": (
        [
            {"source": "user", "content": "hi", "type": "TextMessage", "models_usage": None},
            {
                "source": "helper",
                "content": [{"id": "c", "name": "f", "arguments": "{}"}],
                "type": "ToolCallRequestEvent",
            },
            {
                "source": "helper",
                "content": [{"content": "ok", "call_id": "c", "name": "f", "is_error": False}],
                "type": "ToolCallExecutionEvent",
            },
            {"source": "helper", "content": "hm", "type": "ThoughtEvent"},
        ],
        [
            user("hi"),
            assistant(call("f", {}, "c"), name="helper"),
            Message(role="tool", parts=[result("ok", "c", "f")], name="helper"),
            assistant(Part(type="reasoning", text="hm"), name="helper"),
        ],
    ),
    "AutoGen's model client": (
        [
            {"content": "Be brief.", "type": "SystemMessage"},
            {"content": "hi", "source": "user", "type": "UserMessage"},
            {
                "content": [{"id": "c", "name": "f", "arguments": "{}"}],
                "thought": "hm",
                "source": "helper",
                "type": "AssistantMessage",
            },
            {
                "content": [{"content": "ok", "call_id": "c", "name": "f"}],
                "type": "FunctionExecutionResultMessage",
            },
        ],
        [
            Message(role="system", parts=[text("Be brief.")]),
            user("hi"),
            assistant(Part(type="reasoning", text="hm"), call("f", {}, "c"), name="helper"),
            Message(role="tool", parts=[result("ok", "c", "f")]),
        ],
    ),
    "LlamaIndex": (
        {
            "messages": [
                {
                    "role": "MessageRole.USER",
                    "additional_kwargs": {},
                    "blocks": [
                        {"block_type": "text", "text": "hi"},
                        {"block_type": "image", "url": "https://e/i.png"},
                    ],
                },
                {
                    "role": "assistant",
                    "additional_kwargs": {},
                    "blocks": [
                        {"block_type": "thinking", "content": "hm"},
                        {
                            "block_type": "tool_call",
                            "tool_name": "f",
                            "tool_kwargs": {"a": 1},
                            "tool_call_id": "c",
                        },
                    ],
                },
            ]
        },
        [
            Message(role="user", parts=[text("hi"), Part(type="image", url="https://e/i.png")]),
            assistant(Part(type="reasoning", text="hm"), call("f", {"a": 1}, "c")),
        ],
    ),
    "smolagents": (
        [
            {"role": "tool-call", "content": [{"type": "text", "text": "calling"}]},
            {"role": "tool-response", "content": [{"type": "text", "text": "42"}]},
        ],
        [assistant(text("calling")), Message(role="tool", parts=[result("42")])],
    ),
    "OpenTelemetry's server tools": (
        [
            {
                "role": "assistant",
                "parts": [
                    {
                        "type": "server_tool_call",
                        "id": "c",
                        "name": "code_interpreter",
                        "server_tool_call": CODE,
                    },
                    {
                        "type": "server_tool_call_response",
                        "id": "c",
                        "server_tool_call_response": LOGS,
                    },
                ],
            }
        ],
        [
            assistant(
                call("code_interpreter", CODE, "c"), Part(type="tool_result", id="c", data=LOGS)
            )
        ],
    ),
    "arguments of a decorated function": (
        {"args": [], "kwargs": {"messages": [{"role": "user", "content": "hi"}]}},
        [user("hi")],
    ),
    "completion of a text": (
        {"choices": [{"text": " world", "index": 0, "finish_reason": "stop", "logprobs": None}]},
        [assistant(text(" world"), finish_reason="stop")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_messages_of_a_framework_are_read(name: str) -> None:
    value, messages = CASES[name]
    assert read_messages(value) == messages
    assert read_messages(json.dumps(value)) == messages


@pytest.mark.parametrize(
    "value",
    [
        {"source": "user", "content": "x", "type": "click"},
        {"content": "x", "type": "StatusMessage"},
        {"text": "x", "index": 0},
        {"args": [1], "kwargs": {"city": "Paris"}},
        {"inputs": {"question": "hi"}},
    ],
)
def test_objects_that_resemble_messages_are_none(value: Any) -> None:
    assert read_messages(value) is None
