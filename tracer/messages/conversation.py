"""Reads stored inputs and outputs as chat messages, from any API or framework."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Final

import msgspec

from tracer.messages import chunks
from tracer.messages.message import Message, empty_message, finish_reason, item_role, read_item
from tracer.messages.part import Part, decoded
from tracer.messages.parts import api_name_of, part_type, read_parts
from tracer.records import Json

__all__ = ("Message", "Part", "read_messages", "tool_definition")

_MAX_DEPTH: Final = 8

_PROMPT_KEYS: Final = frozenset(("system", "prompt", "messages"))
"""Keys of a request of the AI SDK: an object with only these is a request, without a model, too."""

_MESSAGE_KEYS: Final = (
    "messages",
    "prompt",
    "input",
    "contents",
    "items",
    "output",
    "choices",
    "candidates",
    "generations",
    "outputs",
    "results",
)
"""Keys of the messages in requests and responses, in the order in which they are tried."""
_INSTRUCTION_KEYS: Final = (
    "system",
    "instructions",
    "system_instruction",
    "systemInstruction",
    "preamble",
)
_ARGUMENT_KEYS: Final = ("kwargs", "inputs")
"""Keys under which tracing decorators store the arguments of a function: they may be a request."""

_RESULT_FIELDS: Final = frozenset(
    ("content", "isError", "is_error", "structuredContent", "structured_content", "_meta", "meta")
)
"""Keys of an MCP server's response to a call."""


_ANSWER_FIELDS: Final = frozenset(
    (
        "text",
        "type",
        "reasoning",
        "files",
        "toolCalls",
        "tool_calls",
        "toolResults",
        "sources",
        "warnings",
        "finishReason",
        "finish_reason",
        "usage",
    )
)


ReadItem = Callable[[Json, str], list[Message]]
"""The type of `read_item`; a caller may pass a cached version of it."""


def read_messages(
    value: Json, *, output: bool = False, read: ReadItem = read_item
) -> list[Message] | None:
    """Return the messages in ``value``; None: it has none.

    ``output``: the value is a model's response, in which messages may lack a role. ``read``: a
    cached `read_item`, for callers that read an item many times; its messages are not modified.
    """
    value = decoded(value)
    default = "assistant" if output else "user"
    if output:
        value = _join_stream_chunks(value)
    if isinstance(value, dict):
        return _messages_from_object(value, default, _MAX_DEPTH, read)
    if isinstance(value, list) and value:
        return _messages_from_list(value, default, _MAX_DEPTH, read) or _message_from_parts(
            value, default
        )
    return None


def _join_stream_chunks(value: Json) -> Json:
    """Return the response that chunks of a stream make; any other value unchanged."""
    items = chunks.sse_events(value) if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        return value
    answer = chunks.join_chunks([decoded(item) for item in items])
    return value if answer is None else answer


def tool_definition(item: Json) -> Json:
    """Return the tool definition in an item of a list of messages; None: the item is a message.

    Langfuse's callback for LangChain sends each offered tool as a message.
    """
    content = item.get("content") if isinstance(item, dict) and item.get("role") == "tool" else None
    # Other messages of this role contain a tool's result, which may be any object.
    function = content.get("function") if isinstance(content, dict) else None
    return content if isinstance(function, dict) and isinstance(function.get("name"), str) else None


def _messages_from_object(
    value: dict[str, Json], default: str, depth: int, read: ReadItem
) -> list[Message] | None:
    if single := read(value, default):
        return single
    if depth == 0:
        return None
    if isinstance(text := value.get("combined_chunk_content"), str):
        # Logfire's key for the joined chunks of a stream.
        return [Message(role="assistant", parts=read_parts(text))]
    for name in _MESSAGE_KEYS:
        inner = decoded(value.get(name)) if name in value else None
        if name == "contents" and "model" in value:
            inner = _gemini_turns(inner)
        messages = None
        if isinstance(inner, list) and inner:
            messages = _messages_from_list(inner, default, depth - 1, read)
            if messages is None and name == "outputs":
                # Gemini's interactions: the parts of one response.
                messages = _message_from_parts(inner, "assistant")
        elif isinstance(inner, dict) and name == "output":
            messages = _messages_from_object(inner, default, depth - 1, read)
        if messages:
            if messages[-1].finish_reason is None and (reason := finish_reason(value)):
                messages[-1] = msgspec.structs.replace(messages[-1], finish_reason=reason)
            return _instructions(value) + messages
    for name in _ARGUMENT_KEYS:
        arguments = value.get(name)
        messages = None
        if isinstance(arguments, dict):
            messages = _messages_from_object(arguments, default, depth - 1, read)
        if messages:
            return messages
    return (
        _messages_from_prompt(value)
        or _messages_from_cohere(value, depth - 1, read)
        or _message_from_mcp_result(value)
        or _message_from_images(value)
        or (_messages_from_ai_sdk_result(value) if default == "assistant" else None)
    )


def _gemini_turns(contents: Json) -> Json:
    """Return Gemini's contents as a list of turns: a client may send one turn, or texts."""
    if isinstance(contents, (str, dict)):
        contents = [contents]
    if not isinstance(contents, list):
        return contents
    return [
        {"role": "user", "parts": [{"text": item}]} if isinstance(item, str) else item
        for item in contents
    ]


def _messages_from_prompt(value: dict[str, Json]) -> list[Message] | None:
    """Return the messages of a request with a text as prompt."""
    prompt = value.get("prompt")
    if not (isinstance(prompt, str) and (value.keys() <= _PROMPT_KEYS or "model" in value)):
        prompt = value.get("input") if "model" in value else None
        if not isinstance(prompt, str):
            return None
    return [*_instructions(value), Message(role="user", parts=read_parts(prompt))]


def _messages_from_cohere(
    value: dict[str, Json], depth: int, read: ReadItem
) -> list[Message] | None:
    """Return the messages of a request of Cohere's v1 API: history, and the newest message."""
    newest, history = value.get("message"), value.get("chat_history")
    if not isinstance(newest, str) or not isinstance(history, list):
        return None
    earlier = _messages_from_list(history, "user", depth, read) if history else []
    if earlier is None:
        return None
    return [*_instructions(value), *earlier, Message(role="user", parts=read_parts(newest))]


def _instructions(value: dict[str, Json]) -> list[Message]:
    """Return the system message of a request with a separate field for instructions."""
    # Gemini's clients have the instructions in the configuration.
    config = value.get("config")
    sources = (value, config) if isinstance(config, dict) else (value,)
    for source, name in product(sources, _INSTRUCTION_KEYS):
        content = source.get(name)
        if isinstance(content, dict):
            content = content.get("parts")
        if parts := read_parts(content):
            return [Message(role="system", parts=parts)]
    return []


def _messages_from_list(
    items: list[Json], default: str, depth: int, read: ReadItem
) -> list[Message] | None:
    """Return the messages of a list; other items become data messages. None: no message in it."""
    items = [decoded(item) for item in items]
    if len(items) == 1 and isinstance(items[0], list) and depth:
        # A batch of one conversation: [[message, message]].
        return _messages_from_list(items[0], default, depth - 1, read)
    # Tool definitions are no messages: they are shown with the tools of the span.
    items = [item for item in items if tool_definition(item) is None]
    readings = [read(item, default) for item in items]
    if not all(readings) and not any(read(item, "user") for item in items):
        return None
    messages: list[Message] = []
    for item, reading in zip(items, readings, strict=True):
        added = reading or [_message_from_unknown(item, default)]
        last = messages[-1] if messages else None
        # The Responses API sends one turn as several items without a role.
        if last is not None and last.role == added[0].role and _continues_turn(item):
            messages[-1] = msgspec.structs.replace(last, parts=[*last.parts, *added[0].parts])
            added = added[1:]
        messages += added
    return messages or None


def _continues_turn(item: Json) -> bool:
    """Return whether an item of the Responses API is a further part of its sender's turn."""
    return isinstance(item, dict) and item_role(item) in ("assistant", "tool")


def _message_from_unknown(item: Json, default: str) -> Message:
    """Return a message with the content of an item that is no message."""
    if (message := empty_message(item)) is not None:
        return message
    if isinstance(item, str) and item:
        return Message(role=default, parts=[Part(type="text", text=item)])
    if not item:
        return Message(role=default, parts=[Part(type="data", name="empty", data=item)])
    return Message(role=default, parts=read_parts([item]))


def _message_from_parts(items: list[Json], default: str) -> list[Message] | None:
    """Return the message of a list of parts; None: the list has other items."""
    known = (isinstance(item, dict) and part_type(api_name_of(item)) != "data" for item in items)
    return [Message(role=default, parts=read_parts(items))] if all(known) else None


def _message_from_mcp_result(value: dict[str, Json]) -> list[Message] | None:
    """Return the message of an MCP server's response to a call."""
    content = value.get("content")
    if not isinstance(content, list) or not content or value.keys() - _RESULT_FIELDS:
        return None
    return _message_from_parts(content, "tool")


def _messages_from_ai_sdk_result(value: dict[str, Json]) -> list[Message] | None:
    """Return the message of a result of the AI SDK: an object with `text` and tool calls."""
    if not isinstance(value.get("text"), str) or value.keys() - _ANSWER_FIELDS:
        return None
    rest = {name: item for name, item in value.items() if name != "text"}
    return read_item({**rest, "role": "assistant", "content": value["text"]}, "assistant")


def _message_from_images(value: dict[str, Json]) -> list[Message] | None:
    """Return the message of a response of OpenAI's images API."""
    images = value.get("data")
    if not isinstance(images, list) or not images or "created" not in value:
        return None
    image_items = [
        item for item in images if isinstance(item, dict) and item.keys() & {"b64_json", "url"}
    ]
    if len(image_items) < len(images):
        return None
    return [
        Message(
            role="assistant", parts=read_parts([{**item, "type": "image"} for item in image_items])
        )
    ]
