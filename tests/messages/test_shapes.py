"""Parts and messages in the shapes that APIs and frameworks write them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.messages.conversation import Message, Part, read_messages
from tracer.messages.previews import preview

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()
IMAGE = Part(type="image", mime_type="image/png", url=f"data:image/png;base64,{PNG}")
WAV = base64.b64encode(b"RIFF\x00\x00\x00\x00WAVEfmt ").decode()
AUDIO = Part(type="audio", mime_type="audio/wav", url=f"data:audio/wav;base64,{WAV}")
PDF = base64.b64encode(b"%PDF-1.7").decode()
DOCUMENT = Part(type="file", mime_type="application/pdf", url=f"data:application/pdf;base64,{PDF}")


def text(words: str) -> Part:
    return Part(type="text", text=words)


def thought(words: str) -> Part:
    return Part(type="reasoning", text=words)


MEDIA: dict[str, tuple[dict[str, Any], Part]] = {
    "openai": ({"type": "image_url", "image_url": {"url": IMAGE.url}}, IMAGE),
    "openai responses": ({"type": "input_image", "image_url": IMAGE.url}, IMAGE),
    "openai uploaded": (
        {"type": "input_image", "file_id": "file-1"},
        Part(type="image", name="file-1"),
    ),
    "openai audio": (
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        AUDIO,
    ),
    "openai file": (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": DOCUMENT.url}},
        Part(type="file", name="a.pdf", mime_type="application/pdf", url=DOCUMENT.url),
    ),
    "openai images": ({"type": "image", "b64_json": PNG}, IMAGE),
    "anthropic": (
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
        },
        IMAGE,
    ),
    "anthropic url": (
        {"type": "image", "source": {"type": "url", "url": "https://e/i.png"}},
        Part(type="image", url="https://e/i.png"),
    ),
    "anthropic document": (
        {
            "type": "document",
            "title": "Terms",
            "source": {"type": "text", "media_type": "text/plain", "data": "All of it."},
        },
        Part(type="file", name="Terms", mime_type="text/plain", text="All of it."),
    ),
    "bedrock": ({"image": {"format": "png", "source": {"bytes": PNG}}}, IMAGE),
    "bedrock document": (
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": PDF}}},
        Part(type="file", name="a", mime_type="application/pdf", url=DOCUMENT.url),
    ),
    "bedrock s3": (
        {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/i.jpeg"}}}},
        Part(type="image", mime_type="image/jpeg", url="s3://b/i.jpeg"),
    ),
    "strands": (
        {"type": "image", "content": {"format": "png", "source": {"bytes": PNG}}},
        IMAGE,
    ),
    "gemini": ({"inlineData": {"mimeType": "image/png", "data": PNG}}, IMAGE),
    "gemini audio": ({"inline_data": {"mime_type": "audio/wav", "data": WAV}}, AUDIO),
    "gemini file": (
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a.pdf"}},
        Part(type="file", mime_type="application/pdf", url="gs://b/a.pdf"),
    ),
    "gemini base64 for urls": (
        {"inline_data": {"mime_type": "image/png", "data": "-_-_"}},
        Part(type="image", mime_type="image/png", url="data:image/png;base64,+/+/"),
    ),
    "langchain 0.3": (
        {"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PNG},
        IMAGE,
    ),
    "langchain 0.3 url": (
        {"type": "image", "source_type": "url", "url": "https://e/i.png"},
        Part(type="image", url="https://e/i.png"),
    ),
    "langchain 0.3 id": (
        {"type": "file", "source_type": "id", "id": "file-1"},
        Part(type="file", name="file-1"),
    ),
    "langchain 1": ({"type": "image", "base64": PNG, "mime_type": "image/png"}, IMAGE),
    "langchain media": ({"type": "media", "mime_type": "audio/wav", "data": WAV}, AUDIO),
    "langchain text": (
        {"type": "text-plain", "text": "All of it.", "title": "Terms"},
        Part(type="file", name="Terms", text="All of it."),
    ),
    "pydantic ai url": (
        {"kind": "image-url", "url": "https://e/i.png"},
        Part(type="image", url="https://e/i.png"),
    ),
    "pydantic ai binary": ({"kind": "binary", "data": PNG, "media_type": "image/png"}, IMAGE),
    "pydantic ai traced": (
        {"type": "binary", "media_type": "audio/wav", "content": WAV},
        AUDIO,
    ),
    "mcp": ({"type": "image", "data": PNG, "mimeType": "image/png"}, IMAGE),
    "mcp audio": ({"type": "audio", "data": WAV, "mimeType": "audio/wav"}, AUDIO),
    "mcp resource": (
        {
            "type": "resource",
            "resource": {"uri": "file:///a.png", "mimeType": "image/png", "blob": PNG},
        },
        Part(type="image", mime_type="image/png", url=IMAGE.url, name="file:///a.png"),
    ),
    "mcp text resource": (
        {"type": "resource", "resource": {"uri": "file:///a.md", "text": "# A"}},
        Part(type="file", text="# A", url="file:///a.md"),
    ),
    "mcp link": (
        {"type": "resource_link", "uri": "file:///a.txt", "name": "a", "mimeType": "text/plain"},
        Part(type="file", mime_type="text/plain", url="file:///a.txt", name="a"),
    ),
    "ai sdk": ({"type": "file", "mediaType": "image/png", "data": PNG}, IMAGE),
    "ai sdk bytes": (
        {"type": "image", "mediaType": "image/png", "image": {"type": "Buffer", "data": [1, 2]}},
        Part(type="image", mime_type="image/png", url="data:image/png;base64,AQI="),
    ),
    "ai sdk array": (
        {"type": "image", "mediaType": "image/png", "image": {"0": 1, "1": 2}},
        Part(type="image", mime_type="image/png", url="data:image/png;base64,AQI="),
    ),
    "without a type": ({"type": "image", "data": PNG}, IMAGE),
    "opentelemetry": (
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": PNG},
        IMAGE,
    ),
    "opentelemetry uri": (
        {"type": "uri", "modality": "audio", "uri": "https://e/a.wav"},
        Part(type="audio", url="https://e/a.wav"),
    ),
    "openinference": ({"type": "image", "image": {"url": IMAGE.url}}, IMAGE),
    "video": (
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v.mp4"}}}},
        Part(type="file", mime_type="video/mp4", url="s3://b/v.mp4"),
    ),
}


@pytest.mark.parametrize("name", MEDIA)
def test_media_of_an_api_are_read(name: str) -> None:
    item, part = MEDIA[name]
    [message] = read_messages([{"role": "user", "content": ["see", item]}]) or []
    assert message.parts == [text("see"), part]


REASONING: dict[str, dict[str, Any]] = {
    "deepseek": {"reasoning_content": "hm"},
    "groq": {"reasoning": "hm"},
    "ollama": {"thinking": "hm"},
    "cohere": {"tool_plan": "hm"},
    "openrouter": {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
    "openrouter summary": {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]},
    "openrouter twice": {
        "reasoning": "hm",
        "reasoning_details": [{"type": "reasoning.text", "text": "hm"}],
    },
    "langchain": {"additional_kwargs": {"reasoning_content": "hm"}},
    "anthropic": {"content": [{"type": "thinking", "thinking": "hm"}]},
    "mistral": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
    "bedrock": {"content": [{"reasoningContent": {"reasoningText": {"text": "hm"}}}]},
    "strands": {
        "content": [{"type": "reasoningContent", "content": {"reasoningText": {"text": "hm"}}}]
    },
    "gemini": {"parts": [{"text": "hm", "thought": True}]},
    "openai responses": {
        "content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]
    },
    "langchain 1": {"content": [{"type": "reasoning", "reasoning": "hm"}]},
    "both": {
        "reasoning_content": "hm",
        "content": [{"type": "thinking", "thinking": "hm"}],
    },
}


@pytest.mark.parametrize("name", REASONING)
def test_what_a_model_thought_is_a_part_of_its_own(name: str) -> None:
    value = {"role": "assistant", "content": None, **REASONING[name]}
    if "parts" in value:
        del value["content"]
    assert read_messages([value]) == [Message(role="assistant", parts=[thought("hm")])]


USER = {"role": "user", "content": "open the page"}

BUILT_IN: dict[str, tuple[dict[str, Any], str, list[Part]]] = {
    "a click": (
        {"type": "computer_call", "call_id": "c", "action": {"type": "click", "x": 1}},
        "assistant",
        [Part(type="tool_call", id="c", name="computer", data={"type": "click", "x": 1})],
    ),
    "a screenshot": (
        {
            "type": "computer_call_output",
            "call_id": "c",
            "output": {"type": "computer_screenshot", "image_url": "https://e/a.png"},
        },
        "tool",
        [
            Part(
                type="tool_result",
                id="c",
                parts=[Part(type="image", url="https://e/a.png")],
            )
        ],
    ),
    "a shell": (
        {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
        "assistant",
        [Part(type="tool_call", id="c", name="local_shell", data={"command": ["ls"]})],
    ),
    "a shell's output": (
        {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a", "stderr": ""}]},
        "tool",
        [Part(type="tool_result", id="c", data=[{"stdout": "a", "stderr": ""}])],
    ),
    "code": (
        {
            "type": "code_interpreter_call",
            "id": "c",
            "status": "completed",
            "code": "1+1",
            "outputs": [{"type": "logs", "logs": "2"}],
        },
        "assistant",
        [
            Part(type="tool_call", id="c", name="code_interpreter", data="1+1"),
            Part(
                type="tool_result",
                id="c",
                name="code_interpreter",
                data=[{"type": "logs", "logs": "2"}],
            ),
        ],
    ),
    "an mcp call": (
        {
            "type": "mcp_call",
            "id": "c",
            "name": "roll",
            "server_label": "dice",
            "arguments": '{"n":1}',
            "output": "4",
        },
        "assistant",
        [
            Part(type="tool_call", id="c", name="roll", data={"n": 1}),
            Part(type="tool_result", id="c", name="roll", text="4"),
        ],
    ),
    "an image": (
        {"type": "image_generation_call", "id": "c", "status": "completed", "result": PNG},
        "assistant",
        [
            Part(type="tool_call", id="c", name="image_generation"),
            Part(type="tool_result", id="c", parts=[IMAGE], name="image_generation"),
        ],
    ),
    "an approval that is asked for": (
        {"type": "mcp_approval_request", "id": "a", "name": "roll", "arguments": "{}"},
        "assistant",
        [Part(type="tool_call", id="a", name="roll", data={})],
    ),
    "an approval": (
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
        "user",
        [Part(type="tool_result", id="a", data={"approve": True})],
    ),
    "tools of a server": (
        {"type": "mcp_list_tools", "server_label": "x", "tools": []},
        "user",
        [
            Part(
                type="data",
                name="mcp_list_tools",
                data={"type": "mcp_list_tools", "server_label": "x", "tools": []},
            )
        ],
    ),
    "a reference": (
        {"type": "item_reference", "id": "msg_1"},
        "user",
        [
            Part(
                type="data",
                name="item_reference",
                data={"type": "item_reference", "id": "msg_1"},
            )
        ],
    ),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_items_of_the_responses_api_are_messages_among_the_others(name: str) -> None:
    item, role, parts = BUILT_IN[name]
    messages = read_messages({"model": "gpt-5", "input": [USER, item, USER]}) or []
    question = Message(role="user", parts=[text("open the page")])
    assert messages == [question, Message(role=role, parts=parts), question]


UNKNOWN: list[Any] = [
    None,
    {},
    "",
    5,
    [],
    ["a", "b", "c"],
    {"type": "hologram"},
    {"role": "admin", "level": 3},
    {"role": "assistant"},
    {"role": "assistant", "content": None},
    "a stray text",
]


@given(
    st.lists(st.sampled_from(UNKNOWN), max_size=4),
    st.lists(st.sampled_from(UNKNOWN), max_size=4),
    st.booleans(),
)
def test_an_unknown_item_never_hides_the_messages_around_it(
    before: list[Any], after: list[Any], output: bool
) -> None:
    messages = read_messages([*before, USER, *after], output=output)
    assert messages is not None
    assert len(messages) == len(before) + 1 + len(after)
    assert messages[len(before)] == Message(role="user", parts=[text("open the page")])
    assert preview([*before, USER, *after]) == "open the page"


OTHER: dict[str, tuple[Any, list[Message]]] = {
    "an audio answer": (
        {
            "choices": [
                {
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "audio": {"id": "audio_1", "transcript": "Hello there", "data": WAV},
                    },
                }
            ]
        },
        [
            Message(
                role="assistant",
                parts=[
                    Part(type="audio", text="Hello there", mime_type="audio/wav", url=AUDIO.url)
                ],
                finish_reason="stop",
            )
        ],
    ),
    "an audio answer without its sound": (
        {"role": "assistant", "audio": {"id": "audio_1", "transcript": "Hello there"}},
        [
            Message(
                role="assistant",
                parts=[Part(type="audio", text="Hello there", name="audio_1")],
            )
        ],
    ),
    "events of strands": (
        [
            {"role": "user", "content": '[{"text": "2+3?"}]'},
            {
                "role": "assistant",
                "content": '[{"toolUse": {"toolUseId": "c", "name": "add", "input": {"a": 2}}}]',
            },
            {
                "role": "tool",
                "content": '[{"toolResult": {"toolUseId": "c", "content": [{"text": "5"}]}}]',
            },
            {
                "finish_reason": "end_turn",
                "message": [
                    {"reasoningContent": {"reasoningText": {"text": "easy"}}},
                    {"text": "It is 5."},
                ],
            },
        ],
        [
            Message(role="user", parts=[text("2+3?")]),
            Message(
                role="assistant",
                parts=[Part(type="tool_call", id="c", name="add", data={"a": 2})],
            ),
            Message(role="tool", parts=[Part(type="tool_result", id="c", text="5")]),
            Message(
                role="assistant",
                parts=[thought("easy"), text("It is 5.")],
                finish_reason="end_turn",
            ),
        ],
    ),
    "an answer of strands' agent": (
        [{"message": "It is 5.\n", "finish_reason": "end_turn"}],
        [Message(role="assistant", parts=[text("It is 5.\n")], finish_reason="end_turn")],
    ),
    "bedrock's answer": (
        {
            "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
            "stopReason": "max_tokens",
        },
        [Message(role="assistant", parts=[text("Hi")], finish_reason="max_tokens")],
    ),
    "an unfinished response": (
        {
            "object": "response",
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "So"}],
                }
            ],
        },
        [Message(role="assistant", parts=[text("So")], finish_reason="max_output_tokens")],
    ),
    "ollama's answer": (
        {"model": "q", "message": {"role": "assistant", "content": "Hi"}, "done_reason": "length"},
        [Message(role="assistant", parts=[text("Hi")], finish_reason="length")],
    ),
    "cohere's history": (
        [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Hello"}],
        [
            Message(role="user", parts=[text("Hi")]),
            Message(role="assistant", parts=[text("Hello")]),
        ],
    ),
    "pydantic ai's history": (
        [
            {
                "kind": "request",
                "instructions": "Be brief.",
                "parts": [
                    {"part_kind": "system-prompt", "content": "Be nice."},
                    {
                        "part_kind": "user-prompt",
                        "content": ["see", {"kind": "image-url", "url": "https://e/i.png"}],
                    },
                ],
            },
            {
                "kind": "response",
                "finish_reason": "tool_call",
                "parts": [
                    {"part_kind": "thinking", "content": "hm"},
                    {
                        "part_kind": "tool-call",
                        "tool_name": "f",
                        "args": '{"a": 1}',
                        "tool_call_id": "c",
                    },
                ],
            },
            {
                "kind": "request",
                "parts": [
                    {
                        "part_kind": "tool-return",
                        "tool_name": "f",
                        "content": "42",
                        "tool_call_id": "c",
                    }
                ],
            },
        ],
        [
            Message(role="system", parts=[text("Be brief."), text("Be nice.")]),
            Message(role="user", parts=[text("see"), Part(type="image", url="https://e/i.png")]),
            Message(
                role="assistant",
                parts=[
                    thought("hm"),
                    Part(type="tool_call", id="c", name="f", data={"a": 1}),
                ],
                finish_reason="tool_call",
            ),
            Message(role="tool", parts=[Part(type="tool_result", id="c", name="f", text="42")]),
        ],
    ),
    "langchain's pairs": (
        {"messages": [["system", "Be brief."], ["human", "Hi"]]},
        [
            Message(role="system", parts=[text("Be brief.")]),
            Message(role="user", parts=[text("Hi")]),
        ],
    ),
    "langchain's stored messages": (
        [
            {"type": "human", "data": {"content": "Hi"}},
            {"type": "ai", "data": {"content": "Hello"}},
        ],
        [
            Message(role="user", parts=[text("Hi")]),
            Message(role="assistant", parts=[text("Hello")]),
        ],
    ),
    "images beside the text": (
        {"role": "assistant", "content": "Here", "images": [{"image_url": {"url": IMAGE.url}}]},
        [Message(role="assistant", parts=[text("Here"), IMAGE])],
    ),
    "images of ollama": (
        {"role": "user", "content": "See", "images": [PNG]},
        [Message(role="user", parts=[text("See"), IMAGE])],
    ),
    "images that were made": (
        {"created": 1, "data": [{"b64_json": PNG}, {"url": "https://e/i.png"}]},
        [Message(role="assistant", parts=[IMAGE, Part(type="image", url="https://e/i.png")])],
    ),
    "what an mcp server answers": (
        {
            "content": [
                {"type": "text", "text": "A chart"},
                {"type": "image", "data": PNG, "mimeType": "image/png"},
            ],
            "isError": False,
        },
        [Message(role="tool", parts=[text("A chart"), IMAGE])],
    ),
    "parts alone": (
        [
            {"type": "text", "text": "Let me see."},
            {"type": "tool_use", "id": "c", "name": "f", "input": {}},
        ],
        [
            Message(
                role="assistant",
                parts=[text("Let me see."), Part(type="tool_call", id="c", name="f", data={})],
            )
        ],
    ),
    "results with images": (
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "c",
                        "content": [{"type": "image", "data": PNG, "mimeType": "image/png"}],
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "d", "content": {"content": [], "isError": True}},
            {"role": "user", "content": [{"toolResult": {"content": [{"json": {"n": 1}}]}}]},
        ],
        [
            Message(role="user", parts=[Part(type="tool_result", id="c", parts=[IMAGE])]),
            Message(role="tool", parts=[Part(type="tool_result", id="d", data=[])]),
            Message(role="user", parts=[Part(type="tool_result", data={"n": 1})]),
        ],
    ),
}


@pytest.mark.parametrize("name", OTHER)
def test_messages_of_frameworks_are_read(name: str) -> None:
    value, messages = OTHER[name]
    assert read_messages(value, output=True) == messages
