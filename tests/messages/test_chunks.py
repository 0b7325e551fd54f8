"""The raw chunks of a streamed answer are read as the answer that they make."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracer.messages.conversation import Message, read_messages


def openai(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def openai_call(**fields: Any) -> dict[str, Any]:
    return openai({"tool_calls": [{"index": 0, **fields}]})


OPENAI = [
    openai({"role": "assistant", "content": ""}),
    openai({"content": "Let me "}),
    openai({"content": "look."}),
    openai_call(id="c1", function={"name": "find", "arguments": ""}),
    openai_call(function={"arguments": '{"n"'}),
    openai_call(function={"arguments": ": 1}"}),
    openai({}, "tool_calls"),
    {"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 3}},
]
ANTHROPIC = [
    {"type": "message_start", "message": {"role": "assistant", "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "look."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "c1", "name": "find", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"n": 1}'}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    {"type": "message_stop"},
]
BEDROCK = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Let me "}}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "look."}}},
    {
        "contentBlockStart": {
            "contentBlockIndex": 1,
            "start": {"toolUse": {"toolUseId": "c1", "name": "find"}},
        }
    },
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"n": 1}'}}}},
    {"messageStop": {"stopReason": "tool_use"}},
]
CALL = {"functionCall": {"id": "c1", "name": "find", "args": {"n": 1}}}
GEMINI = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Let me "}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "look."}, CALL]}, "finishReason": "STOP"}]},
]
OLLAMA = [
    {"message": {"role": "assistant", "content": "Let me "}, "done": False},
    {
        "message": {
            "content": "look.",
            "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": {"n": 1}}}],
        },
        "done": True,
    },
]
RESPONSES = [
    {"type": "response.created", "response": {"output": []}},
    {"type": "response.output_text.delta", "delta": "Let me "},
    {
        "type": "response.completed",
        "response": {
            "output": [
                {"type": "message", "content": [{"type": "output_text", "text": "Let me look."}]},
                {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"n": 1}'},
            ]
        },
    },
]
LANGCHAIN = [
    {"type": "AIMessageChunk", "content": "Let me "},
    {
        "type": "AIMessageChunk",
        "content": "look.",
        "tool_call_chunks": [{"index": 0, "id": "c1", "name": "find", "args": '{"n": 1}'}],
    },
]


def parts(messages: list[Message] | None) -> list[tuple[str, Any]]:
    assert messages is not None
    assert {message.role for message in messages} == {"assistant"}
    pairs: list[tuple[str, Any]] = []
    for part in (part for message in messages for part in message.parts):
        data = json.loads(part.data) if isinstance(part.data, str) else part.data
        pairs.append((part.type, part.text or (part.name, data)))
    return pairs


@pytest.mark.parametrize(
    "chunks",
    [OPENAI, ANTHROPIC, BEDROCK, GEMINI, OLLAMA, RESPONSES, LANGCHAIN],
    ids=["openai", "anthropic", "bedrock", "gemini", "ollama", "responses", "langchain"],
)
def test_chunks_are_joined(chunks: list[dict[str, Any]]) -> None:
    expected = [("text", "Let me look."), ("tool_call", ("find", {"n": 1}))]
    assert parts(read_messages(chunks, output=True)) == expected
    # As JSON text, each chunk as JSON text, and as the stream itself.
    texts = [json.dumps(chunk) for chunk in chunks]
    stream = "".join(f"event: x\ndata: {text}\n\n" for text in texts) + "data: [DONE]\n\n"
    for form in (json.dumps(chunks), texts, stream):
        assert parts(read_messages(form, output=True)) == expected


def test_the_reason_why_a_stream_ended_is_kept() -> None:
    for chunks, reason in ((OPENAI, "tool_calls"), (ANTHROPIC, "tool_use"), (BEDROCK, "tool_use")):
        messages = read_messages(chunks, output=True)
        assert messages is not None
        assert messages[-1].finish_reason == reason


def test_other_lists_and_inputs_are_not_joined() -> None:
    other = [{"choices": [{"delta": {"content": "a"}}]}, {"role": "user", "content": "b"}]
    messages = read_messages(other, output=True)
    assert messages is not None
    assert "b" in [part.text for message in messages for part in message.parts]
    assert read_messages("data is no stream", output=True) is None
    assert read_messages("data: {broken", output=True) is None
