"""Reads stored inputs and outputs as chat messages, from any API or framework."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Final

import msgspec

from tracer.messages import chunks
from tracer.messages.message import Message, empty_message, finish_reason, item_role, read_item
from tracer.messages.part import Part, decoded
from tracer.messages.parts import kind_of, read_parts, word_of
from tracer.records import Json

__all__ = ("Message", "Part", "offered_tool", "read_messages")

_MAX_DEPTH: Final = 8

_PROMPT: Final = frozenset(("system", "prompt", "messages"))
"""Names of a call of the AI SDK."""

_LISTS: Final = (
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
"""Names of the messages in requests and responses."""
_INSTRUCTIONS: Final = (
    "system",
    "instructions",
    "system_instruction",
    "systemInstruction",
    "preamble",
)
_ARGUMENTS: Final = ("kwargs", "inputs")
"""Where decorators of functions keep the request that a function was called with."""

_RESULT_FIELDS: Final = frozenset(
    ("content", "isError", "is_error", "structuredContent", "structured_content", "_meta", "meta")
)
"""Names in an MCP server's response to a call."""


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
"""`read_item`, or a function that gives the same answers."""


def read_messages(
    value: Json, *, output: bool = False, read: ReadItem = read_item
) -> list[Message] | None:
    """Return the messages in ``value``; None: it has none.

    ``output``: the value is a model's answer, in which messages may lack a role. ``read``: for
    callers that read the same items many times; its messages are not changed.
    """
    value = decoded(value)
    default = "assistant" if output else "user"
    if output:
        value = _unstreamed(value)
    if isinstance(value, dict):
        return _of_object(value, default, _MAX_DEPTH, read)
    if isinstance(value, list) and value:
        return _of_list(value, default, _MAX_DEPTH, read) or _of_parts(value, default)
    return None


def _unstreamed(value: Json) -> Json:
    """Return the answer that chunks of a stream make; any other value unchanged."""
    items = chunks.events(value) if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        return value
    answer = chunks.joined([decoded(item) for item in items])
    return value if answer is None else answer


def offered_tool(item: Json) -> Json:
    """Return the tool definition in an item of a list of messages; None: the item is a message.

    Langfuse's callback for LangChain sends each offered tool as a message.
    """
    content = item.get("content") if isinstance(item, dict) and item.get("role") == "tool" else None
    # Other messages of this role contain a tool's result, which may be any object.
    function = content.get("function") if isinstance(content, dict) else None
    return content if isinstance(function, dict) and isinstance(function.get("name"), str) else None


def _of_object(
    value: dict[str, Json], default: str, depth: int, read: ReadItem
) -> list[Message] | None:
    if single := read(value, default):
        return single
    if depth == 0:
        return None
    if isinstance(text := value.get("combined_chunk_content"), str):
        # Logfire's name of the joined chunks of a stream.
        return [Message(role="assistant", parts=read_parts(text))]
    for name in _LISTS:
        inner = decoded(value.get(name)) if name in value else None
        if name == "contents" and "model" in value:
            inner = _turns(inner)
        messages = None
        if isinstance(inner, list) and inner:
            messages = _of_list(inner, default, depth - 1, read)
            if messages is None and name == "outputs":
                # Gemini's interactions: the parts of one answer.
                messages = _of_parts(inner, "assistant")
        elif isinstance(inner, dict) and name == "output":
            messages = _of_object(inner, default, depth - 1, read)
        if messages:
            if messages[-1].finish_reason is None and (reason := finish_reason(value)):
                messages[-1] = msgspec.structs.replace(messages[-1], finish_reason=reason)
            return _instructions(value) + messages
    for name in _ARGUMENTS:
        arguments = value.get(name)
        messages = None
        if isinstance(arguments, dict):
            messages = _of_object(arguments, default, depth - 1, read)
        if messages:
            return messages
    return (
        _of_single_text(value)
        or _of_cohere(value, depth - 1, read)
        or _of_result(value)
        or _of_images(value)
        or (_of_answer(value) if default == "assistant" else None)
    )


def _turns(contents: Json) -> Json:
    """Return Gemini's contents as a list of turns: a client may send one turn, or texts."""
    if isinstance(contents, (str, dict)):
        contents = [contents]
    if not isinstance(contents, list):
        return contents
    return [
        {"role": "user", "parts": [{"text": item}]} if isinstance(item, str) else item
        for item in contents
    ]


def _of_single_text(value: dict[str, Json]) -> list[Message] | None:
    """Return the messages of a request with a text as prompt."""
    prompt = value.get("prompt")
    if not (isinstance(prompt, str) and (value.keys() <= _PROMPT or "model" in value)):
        prompt = value.get("input") if "model" in value else None
        if not isinstance(prompt, str):
            return None
    return [*_instructions(value), Message(role="user", parts=read_parts(prompt))]


def _of_cohere(value: dict[str, Json], depth: int, read: ReadItem) -> list[Message] | None:
    """Return the messages of a request of Cohere's first API: the newest is beside the others."""
    newest, history = value.get("message"), value.get("chat_history")
    if not isinstance(newest, str) or not isinstance(history, list):
        return None
    earlier = _of_list(history, "user", depth, read) if history else []
    if earlier is None:
        return None
    return [*_instructions(value), *earlier, Message(role="user", parts=read_parts(newest))]


def _instructions(value: dict[str, Json]) -> list[Message]:
    """Return the system message of a request that has a field of its own for it."""
    # Clients of Gemini have them in the configuration.
    config = value.get("config")
    sources = (value, config) if isinstance(config, dict) else (value,)
    for source, name in product(sources, _INSTRUCTIONS):
        content = source.get(name)
        if isinstance(content, dict):
            content = content.get("parts")
        if parts := read_parts(content):
            return [Message(role="system", parts=parts)]
    return []


def _of_list(items: list[Json], default: str, depth: int, read: ReadItem) -> list[Message] | None:
    """Return the messages of a list with at least one; unknown items stay in their position."""
    items = [decoded(item) for item in items]
    if len(items) == 1 and isinstance(items[0], list) and depth:
        # A batch of one conversation: [[message, message]].
        return _of_list(items[0], default, depth - 1, read)
    # Offered tools are no messages, and are shown as tools.
    items = [item for item in items if offered_tool(item) is None]
    readings = [read(item, default) for item in items]
    if not all(readings) and not any(read(item, "user") for item in items):
        return None
    messages: list[Message] = []
    for item, reading in zip(items, readings, strict=True):
        added = reading or [_unknown(item, default)]
        last = messages[-1] if messages else None
        # The Responses API sends one turn as several items without a role.
        if last is not None and last.role == added[0].role and _continues(item):
            messages[-1] = msgspec.structs.replace(last, parts=[*last.parts, *added[0].parts])
            added = added[1:]
        messages += added
    return messages or None


def _continues(item: Json) -> bool:
    return isinstance(item, dict) and item_role(item) in ("assistant", "tool")


def _unknown(item: Json, default: str) -> Message:
    """Return a message that shows an item which is no message."""
    if (message := empty_message(item)) is not None:
        return message
    if isinstance(item, str) and item:
        return Message(role=default, parts=[Part(type="text", text=item)])
    if not item:
        return Message(role=default, parts=[Part(type="data", name="empty", data=item)])
    return Message(role=default, parts=read_parts([item]))


def _of_parts(items: list[Json], default: str) -> list[Message] | None:
    """Return the message of a list of parts; None: the list has other items."""
    known = (isinstance(item, dict) and kind_of(word_of(item)) != "data" for item in items)
    return [Message(role=default, parts=read_parts(items))] if all(known) else None


def _of_result(value: dict[str, Json]) -> list[Message] | None:
    """Return the message of an MCP server's response to a call."""
    content = value.get("content")
    if not isinstance(content, list) or not content or value.keys() - _RESULT_FIELDS:
        return None
    return _of_parts(content, "tool")


def _of_answer(value: dict[str, Json]) -> list[Message] | None:
    """Return the message of a result of the AI SDK, which has the text beside its calls."""
    if not isinstance(value.get("text"), str) or value.keys() - _ANSWER_FIELDS:
        return None
    rest = {name: item for name, item in value.items() if name != "text"}
    return read_item({**rest, "role": "assistant", "content": value["text"]}, "assistant")


def _of_images(value: dict[str, Json]) -> list[Message] | None:
    """Return the message of a response of OpenAI's images API."""
    images = value.get("data")
    if not isinstance(images, list) or not images or "created" not in value:
        return None
    shown = [
        item for item in images if isinstance(item, dict) and item.keys() & {"b64_json", "url"}
    ]
    if len(shown) < len(images):
        return None
    return [Message(role="assistant", parts=read_parts([{**i, "type": "image"} for i in shown]))]
