"""Any stored input or output as chat messages, whichever API or framework wrote it."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer.messages.parts import Part, decoded, kind_of, read_part, read_parts
from tracer.records import Json

__all__ = ("Message", "Part", "offered_tool", "read_messages")

_MAX_DEPTH: Final = 8

_ROLES: Final = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "function": "tool",
    "ipython": "tool",
}
_TYPES: Final = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "message": "assistant",
}
"""Types that LangChain and others give to a message in place of a role."""

_ITEMS: Final = {
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "reasoning": "assistant",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
}
"""Items of the Responses API that are a part each, with the role they are said in."""

_BODIES: Final = frozenset(("content", "parts", "tool_calls", "toolCalls", "function_call"))
_MESSAGE_FIELDS: Final = _BODIES | {
    "name",
    "id",
    "refusal",
    "reasoning",
    "reasoning_content",
    "thinking",
    "finish_reason",
    "stop_reason",
    "annotations",
    "audio",
    "tool_call_id",
}

_PROMPT: Final = frozenset(("system", "prompt", "messages"))
"""What the AI SDK is called with."""

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
)
"""Where requests and responses keep their messages."""


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One turn of a conversation."""

    role: str
    """system, developer, user, assistant, tool, or what the source said."""
    parts: list[Part]
    name: str | None = None
    finish_reason: str | None = None


def read_messages(value: Json, *, output: bool = False) -> list[Message] | None:
    """Return the messages that ``value`` holds, or None where it holds none.

    ``output`` says that the value is a model's answer, in which a message may lack its role.
    """
    value = decoded(value)
    default = "assistant" if output else "user"
    if isinstance(value, dict):
        return _of_object(value, default, _MAX_DEPTH)
    if isinstance(value, list) and value:
        return _of_list(value, default, _MAX_DEPTH)
    return None


def offered_tool(item: Json) -> Json:
    """Return the definition of a tool that a list of messages offers; None: it's a message.

    Langfuse's callback for LangChain sends each tool as a message of its own.
    """
    content = item.get("content") if isinstance(item, dict) and item.get("role") == "tool" else None
    # A message of this role is otherwise what a tool answered, which may be any object.
    said = content.get("function") if isinstance(content, dict) else None
    return content if isinstance(said, dict) and isinstance(said.get("name"), str) else None


def _of_object(value: dict[str, Json], default: str, depth: int) -> list[Message] | None:
    if (message := _message(value, default)) is not None:
        return [message]
    if depth == 0:
        return None
    if isinstance(text := value.get("combined_chunk_content"), str):
        # Logfire's word for a stream that has been put together.
        return [Message(role="assistant", parts=read_parts(text))]
    if value.keys() <= _PROMPT and isinstance(asked := value.get("prompt"), str):
        return [*_instructions(value), Message(role="user", parts=read_parts(asked))]
    for name in _LISTS:
        inner = decoded(value.get(name)) if name in value else None
        if isinstance(inner, list) and inner:
            messages = _of_list(inner, default, depth - 1)
            if messages:
                return _instructions(value) + messages
        elif isinstance(inner, dict) and name == "output":
            return _of_object(inner, default, depth - 1)
        elif isinstance(inner, str) and name == "input" and "model" in value:
            return [
                *_instructions(value),
                Message(role="user", parts=[Part(type="text", text=inner)]),
            ]
    return None


def _instructions(value: dict[str, Json]) -> list[Message]:
    """Return the system message of a request that keeps it apart from the others."""
    for name in ("system", "instructions", "system_instruction", "systemInstruction"):
        said = value.get(name)
        if isinstance(said, dict):
            said = said.get("parts")
        parts = read_parts(said)
        if parts:
            return [Message(role="system", parts=parts)]
    return []


def _of_list(items: list[Json], default: str, depth: int) -> list[Message] | None:
    messages: list[Message] = []
    for item in items:
        item = decoded(item)
        if isinstance(item, list) and depth and len(items) == 1:
            # One batch of one conversation: [[message, message]].
            return _of_list(item, default, depth - 1)
        if offered_tool(item) is not None:
            # Nobody said it: it is shown as what it is, a tool.
            continue
        message = _message(item, default) if isinstance(item, dict) else None
        if message is None:
            return None
        last = messages[-1] if messages else None
        # The Responses API sends one turn as several items without a role of their own.
        if last and _item_role(str(item.get("type"))) and last.role == message.role:
            last.parts += message.parts
        else:
            messages.append(message)
    return messages or None


def _message(item: dict[str, Json], default: str) -> Message | None:
    for wrapper in ("message", "content", "kwargs"):
        inner = item.get(wrapper)
        if isinstance(inner, dict) and "role" not in item:
            speaker = _langchain_role(item)
            message = _message({"role": speaker, **inner} if speaker else inner, default)
            if message is not None:
                message.finish_reason = _finish_reason(item) or message.finish_reason
            return message
    word = str(item.get("type"))
    if said_by := _item_role(word):
        return Message(role=said_by, parts=[read_part(item)])
    role: Json = item.get("role") or _TYPES.get(word) or default
    if not isinstance(role, str) or not _looks_said(item, default):
        return None
    role = default if role == "unknown" else _ROLES.get(role.lower(), role.lower())
    parts = _content(item, role)
    name = item.get("name")
    return Message(
        role=role,
        parts=parts,
        name=name if isinstance(name, str) else None,
        finish_reason=_finish_reason(item),
    )


def _item_role(word: str) -> str | None:
    """Return who says an item of the Responses API; None: the type is that of no such item."""
    return _ITEMS.get(word) or ("assistant" if word.endswith("_call") else None)


def _looks_said(item: dict[str, Json], default: str) -> bool:
    """Tell a message from any other object: by its role, or for having nothing but its fields."""
    if not item.keys() & _BODIES:
        return False
    if "role" in item or str(item.get("type")) in _TYPES:
        return True
    # {"content": …} may be any input; as an answer, or in Gemini's parts, it is a message.
    return item.keys() <= _MESSAGE_FIELDS and (default == "assistant" or "parts" in item)


def _content(item: dict[str, Json], role: str) -> list[Part]:
    parts: list[Part] = []
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(said := item.get(name), str) and said:
            parts.append(Part(type="reasoning", text=said))
            break
    answered = item.get("tool_call_id") or item.get("id")
    if role == "tool" and "parts" not in item and not _holds_results(item.get("content")):
        result = {"type": "tool_result", "id": answered, "name": item.get("name")}
        parts.append(read_part({**result, "content": item.get("content")}))
    else:
        parts += read_parts(item.get("parts") if "parts" in item else item.get("content"))
    if isinstance(refusal := item.get("refusal"), str) and refusal:
        parts.append(Part(type="text", text=refusal))
    calls = decoded(item.get("tool_calls") or item.get("toolCalls"))
    if not calls and isinstance(old := item.get("function_call"), dict):
        calls = [old]
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            part = read_part({**call, "type": "tool_call"})
            # Some say a call twice: among the contents and beside them.
            if part.id is None or all(known.id != part.id for known in parts):
                parts.append(part)
    return parts


def _holds_results(content: Json) -> bool:
    """Tell whether the content is a list of results, which name their calls themselves."""
    return isinstance(content, list) and any(
        isinstance(item, dict) and kind_of(str(item.get("type"))) == "tool_result"
        for item in content
    )


def _finish_reason(item: dict[str, Json]) -> str | None:
    for name in ("finish_reason", "stop_reason", "finishReason"):
        if isinstance(reason := item.get(name), str) and reason:
            return reason
    return None


def _langchain_role(item: dict[str, Json]) -> str | None:
    """Return the role that a serialised LangChain message has in its class's name."""
    path = item.get("id")
    name = path[-1] if isinstance(path, list) and path else None
    if not isinstance(name, str):
        return None
    return _TYPES.get(name.removesuffix("Chunk").removesuffix("Message").lower())
