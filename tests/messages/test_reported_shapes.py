"""Conversations as clients were seen to send them, beside what a page shows of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tracer.messages.conversation import Part, read_messages

Shown = list[tuple[str, ...]]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()
PDF = base64.b64encode(b"%PDF-1.7").decode()
CALL = {"name": "f", "args": {"a": 1}, "id": "c", "type": "tool_call"}
FUNCTION = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
HI = ("user", "hi")


def line(part: Part) -> str:
    """Return a part as a line: its type if it isn't text, then what it shows."""
    if part.type == "text":
        return part.text or ""
    if part.type == "tool_call":
        return f"call {part.name} {json.dumps(part.data)}"
    if part.type == "tool_result":
        if part.parts:
            return f"result {[inner.type for inner in part.parts]}"
        return f"result {part.text if part.text is not None else json.dumps(part.data)}"
    if part.type == "data":
        return f"data {part.name}"
    shown = (part.type, part.mime_type, part.name, part.text)
    return " ".join(word for word in shown if word)


def shown(value: Any, *, output: bool = False) -> Shown:
    """Return the role and the parts of each message in ``value``."""
    messages = read_messages(value, output=output) or []
    return [(message.role, *map(line, message.parts)) for message in messages]


INPUTS: dict[str, tuple[Any, Shown]] = {
    "an unknown item stays between the messages": (
        [{"role": "user", "content": "hi"}, {"type": "compaction", "id": "x"}, {"role": "user"}],
        [HI, ("user", "data compaction"), ("user",)],
    ),
    "an empty object and a null stay in their places": (
        [{"role": "user", "content": "hi"}, {}, None, {"role": "assistant", "content": "yes"}],
        [HI, ("user", "data empty"), ("user", "data empty"), ("assistant", "yes")],
    ),
    "Bedrock's cache point has the name of its key": (
        [{"role": "user", "content": [{"text": "hi"}, {"cachePoint": {"type": "default"}}]}],
        [("user", "hi", "data cachePoint")],
    ),
    "a request of Cohere's first API": (
        {
            "message": "hi",
            "chat_history": [
                {"role": "USER", "message": "a"},
                {"role": "CHATBOT", "message": "b"},
            ],
            "preamble": "Be brief.",
            "model": "command-r",
        },
        [("system", "Be brief."), ("user", "a"), ("assistant", "b"), HI],
    ),
    "Gemini's contents as a text": (
        {"model": "gemini-2.5", "contents": "hi", "config": {"system_instruction": "Be brief."}},
        [("system", "Be brief."), HI],
    ),
    "Gemini's contents as texts and as one turn": (
        {"model": "gemini-2.5", "contents": ["hi", {"role": "model", "parts": [{"text": "yes"}]}]},
        [HI, ("assistant", "yes")],
    ),
    "LangChain's message of a function": (
        [{"type": "function", "name": "f", "content": "42"}, {"type": "human", "content": "hi"}],
        [("tool", "result 42"), HI],
    ),
    "LangChain's blocks of version 1": (
        [
            {
                "type": "human",
                "content": [
                    {"type": "image", "base64": PNG, "mime_type": "image/png"},
                    {"type": "file", "file_id": "f1"},
                    {"type": "text-plain", "text": "doc", "mime_type": "text/plain"},
                    {"type": "non_standard", "value": {"a": 1}},
                ],
            }
        ],
        [("user", "image image/png", "file f1", "file text/plain doc", "data non_standard")],
    ),
    "LlamaIndex' blocks": (
        {
            "messages": [
                {
                    "role": "user",
                    "blocks": [
                        {"block_type": "text", "text": "hi"},
                        {
                            "block_type": "image",
                            "url": "https://e/i",
                            "image_mimetype": "image/png",
                        },
                        {"block_type": "thinking", "content": "hm"},
                        {"block_type": "cache", "cache_control": {"type": "ephemeral"}},
                    ],
                }
            ]
        },
        [("user", "hi", "image image/png", "reasoning hm", "data cache")],
    ),
    "Anthropic's documents of text and of blocks": (
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "source": {
                            "type": "text",
                            "media_type": "text/plain",
                            "data": "Long text.",
                        },
                    },
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [{"type": "text", "text": "a"}]},
                    },
                ],
            }
        ],
        [("user", "file text/plain Long text.", "file a")],
    ),
    "a document that the AI SDK calls an image": (
        [
            {
                "role": "user",
                "parts": [
                    {
                        "type": "blob",
                        "modality": "image",
                        "mime_type": "application/pdf",
                        "content": PDF,
                    },
                    {
                        "type": "blob",
                        "modality": "image",
                        "mime_type": "image/png",
                        "content": PNG,
                    },
                ],
            }
        ],
        [("user", "file application/pdf", "image image/png")],
    ),
    "the AI SDK's answer to a request for approval": (
        [
            {
                "role": "tool",
                "parts": [{"type": "tool_approval_response", "approval_id": "a", "approved": True}],
            }
        ],
        [("tool", 'result {"approved": true}')],
    ),
    "audio of a realtime conversation": (
        [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_audio", "transcript": "hi", "audio": None}],
            },
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_audio", "transcript": "yes"}],
            },
        ],
        [("user", "audio hi"), ("assistant", "audio yes")],
    ),
    "AutoGen's message with an image": (
        [{"type": "MultiModalMessage", "source": "user", "content": ["look", {"data": PNG}]}],
        [("user", "look", "image image/png")],
    ),
    "Pydantic AI's result of a built-in tool": (
        [
            {
                "kind": "response",
                "parts": [
                    {
                        "part_kind": "builtin-tool-call",
                        "tool_name": "search",
                        "args": {"q": 1},
                        "tool_call_id": "b",
                    },
                    {
                        "part_kind": "builtin-tool-return",
                        "tool_name": "search",
                        "content": "r",
                        "tool_call_id": "b",
                    },
                ],
            }
        ],
        [("assistant", 'call search {"q": 1}', "result r")],
    ),
    "a message of OpenAI's threads": (
        [{"role": "user", "content": [{"type": "text", "text": {"value": "hi"}}]}],
        [HI],
    ),
    "a context of LiveKit": (
        {
            "items": [
                {"type": "message", "role": "system", "content": ["Be brief."]},
                {"type": "message", "role": "user", "content": ["hi"], "interrupted": False},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'},
                {"type": "function_call_output", "call_id": "c", "name": "f", "output": "42"},
                {"type": "agent_handoff", "id": "h", "new_agent_id": "b"},
            ]
        },
        [
            ("system", "Be brief."),
            HI,
            ("assistant", 'call f {"a": 1}'),
            ("tool", "result 42"),
            ("user", "data agent_handoff"),
        ],
    ),
    "an MCP server's response": (
        {
            "content": [
                {"type": "text", "text": "a"},
                {
                    "type": "resource",
                    "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "body"},
                },
            ],
            "isError": False,
        },
        [("tool", "a", "file text/plain body")],
    ),
}
OUTPUTS: dict[str, tuple[Any, Shown]] = {
    "an interaction with Gemini": (
        {
            "outputs": [
                {"type": "thought", "summary": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "yes"},
            ]
        },
        [("assistant", "reasoning hm", "yes")],
    ),
    "OpenRouter's details of reasoning": (
        [
            {
                "role": "assistant",
                "content": "yes",
                "reasoning": None,
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "hm"},
                    {"type": "reasoning.encrypted", "data": "abc"},
                ],
            }
        ],
        [("assistant", "reasoning hm", "reasoning", "yes")],
    ),
    "reasoning alone, without a role": (
        [{"reasoning_summary": "hm"}, {"role": "assistant", "content": "yes"}],
        [("assistant", "reasoning hm"), ("assistant", "yes")],
    ),
    "Cohere's plan and calls": (
        [{"role": "assistant", "tool_plan": "I will look", "tool_calls": [FUNCTION]}],
        [("assistant", "reasoning I will look", 'call f {"a": 1}')],
    ),
    "an answer of Cohere's first API": (
        {"text": "yes", "finish_reason": "COMPLETE", "tool_calls": [CALL]},
        [("assistant", "yes", 'call f {"a": 1}')],
    ),
    "Mistral's thinking in parts": (
        [
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "yes"},
                ],
            }
        ],
        [("assistant", "reasoning hm", "yes")],
    ),
    "OpenInference's older call": (
        [
            {
                "role": "assistant",
                "function_call_name": "f",
                "function_call_arguments_json": '{"a": 1}',
            }
        ],
        [("assistant", 'call f {"a": 1}')],
    ),
    "Hugging Face's completion": ([{"generated_text": "yes"}], [("assistant", "yes")]),
    "Titan's completion on Bedrock": (
        {"results": [{"tokenCount": 5, "outputText": "yes", "completionReason": "FINISH"}]},
        [("assistant", "yes")],
    ),
    "Llama's completion on Bedrock": (
        {"generation": "yes", "generation_token_count": 5, "stop_reason": "stop"},
        [("assistant", "yes")],
    ),
    "Mistral's completion on Bedrock": (
        {"outputs": [{"text": "yes", "stop_reason": "stop"}]},
        [("assistant", "yes")],
    ),
    "LangChain's tools that the provider ran": (
        [
            {
                "type": "ai",
                "content": [
                    {"type": "server_tool_call", "name": "search", "args": {"q": 1}, "id": "s"},
                    {"type": "server_tool_result", "tool_call_id": "s", "output": [{"url": "u"}]},
                ],
            }
        ],
        [("assistant", 'call search {"q": 1}', 'result [{"url": "u"}]')],
    ),
    "a message that LangGraph removes": (
        {
            "messages": [
                {"type": "human", "content": "hi"},
                {"type": "remove", "id": "x", "content": ""},
                {"type": "ai", "content": "yes"},
            ]
        },
        [HI, ("assistant", "data remove"), ("assistant", "yes")],
    ),
}


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_shown_as_its_messages(name: str) -> None:
    value, expected = INPUTS[name]
    assert shown(value) == expected


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_is_shown_as_its_messages(name: str) -> None:
    value, expected = OUTPUTS[name]
    assert shown(value, output=True) == expected


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "computer_call", "action": {"type": "click"}},
        {"type": "shell_call", "action": {"commands": ["ls"]}},
        {"type": "local_shell_call", "action": {"command": ["ls"]}},
        {"type": "code_interpreter_call", "code": "1+1", "outputs": [{"logs": "2"}]},
        {"type": "mcp_call", "name": "t", "arguments": "{}", "output": "done"},
        {"type": "mcp_approval_request", "id": "a", "name": "t", "arguments": "{}"},
        {"type": "file_search_call", "queries": ["q"], "results": None},
        {"type": "web_search_call", "action": {"type": "search", "query": "q"}},
        {"type": "apply_patch_call", "operation": {"type": "update_file"}},
        {"type": "image_generation_call", "status": "completed", "result": PNG},
        {"type": "custom_tool_call", "name": "sql", "input": "select 1"},
    ],
    ids=lambda tool: tool["type"],
)
def test_a_call_of_an_api_s_own_tool_is_a_call_beside_the_answer(tool: dict[str, Any]) -> None:
    answer = {"type": "message", "role": "assistant", "content": "yes"}
    first, last = shown([{**tool, "call_id": "c"}, answer], output=True)
    assert first[0] == "assistant"
    assert first[1].startswith("call ")
    assert last == ("assistant", "yes")
