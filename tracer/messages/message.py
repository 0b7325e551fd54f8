"""Reads an object of a conversation, from any API, as one or more messages."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer.messages.autogen import autogen_message
from tracer.messages.media import audio_answer, media_part
from tracer.messages.part import Part, decoded, snake, string
from tracer.messages.parts import api_name_of, part_type, read_part, read_parts
from tracer.records import Json

_ROLE_ALIASES: Final = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "function": "tool",
    "ipython": "tool",
    "toolresult": "tool",
    "tool-response": "tool",
    "tool-call": "assistant",
}
_ENUMERATION: Final = "messagerole."
"""Prefix of a role written as a member of a Python enumeration."""
ROLES: Final = frozenset(("system", "developer", "user", "assistant", "tool", *_ROLE_ALIASES))

_TYPE_ROLES: Final = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
    "message": "assistant",
}
"""Roles by message type, which LangChain and others send instead of a role."""

_ITEM_ROLES: Final = {
    "function_call": "assistant",
    "custom_tool_call": "assistant",
    "reasoning": "assistant",
    "mcp_approval_request": "assistant",
    "function_call_output": "tool",
    "custom_tool_call_output": "tool",
    "mcp_approval_response": "user",
}
"""Items of the Responses API that are a single part, with the role of the sender."""

_CALL_FIELDS: Final = frozenset(("status", "action", "call_id", "arguments", "input"))
"""A call of an API's built-in tool has at least one of these keys."""

_CONTENT_FIELDS: Final = frozenset(
    (
        *("content", "parts", "blocks"),
        *("tool_calls", "toolCalls", "function_call", "function_call_name"),
    )
)
MESSAGE_FIELDS: Final = _CONTENT_FIELDS | {
    "role",
    "name",
    "id",
    "index",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "reasoning_summary",
    "thinking",
    "tool_plan",
    "finish_reason",
    "stop_reason",
    "finishReason",
    "stopReason",
    "annotations",
    "audio",
    "images",
    "files",
    "tool_call_id",
}
_WRAPPERS: Final = ("message", "content", "kwargs", "data")
"""Keys of the message within a choice, or within an object of LangChain."""
_CHOICE_FIELDS: Final = frozenset(("role", "index", "finish_reason"))
_COMPLETION_FIELDS: Final = frozenset(("finish_reason", "logprobs", "stop_reason"))
_COMPLETION_TEXTS: Final = ("generated_text", "outputText", "generation")
"""Keys of the text in responses of completion APIs: Hugging Face, models on Bedrock."""
_REASONING: Final = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "reasoning_details",
    "reasoning_summary",
    "tool_plan",
)
_REASONING_FIELDS: Final = frozenset(_REASONING)
_MEDIA: Final = {"images": "image", "files": "file"}
_FINISH_REASONS: Final = (
    "finish_reason",
    "stop_reason",
    "finishReason",
    "stopReason",
    "done_reason",
    "completionReason",
)
REASON_FIELDS: Final = frozenset((*_FINISH_REASONS, "incomplete_details"))
_PYDANTIC_AI_ROLES: Final = {
    "system_prompt": "system",
    "user_prompt": "user",
    "retry_prompt": "user",
    "tool_return": "tool",
}
"""Roles by part of Pydantic AI's requests, which contain parts of several roles."""


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One turn of a conversation."""

    role: str
    """system, developer, user, assistant, tool, or the role that was sent."""
    parts: list[Part]
    name: str | None = None
    finish_reason: str | None = None


def read_item(item: Json, default: str) -> list[Message]:
    """Return the messages of an object, usually one; empty: the object is no message.

    ``default`` is the role of a message without one.
    """
    if isinstance(item, list):
        return _message_from_pair(item)
    if not isinstance(item, dict):
        return []
    if (wrapped := _unwrap(item, default)) is not None:
        return wrapped
    if sender := item_role(item):
        return [Message(role=sender, parts=read_parts([item]))]
    if item.get("kind") in ("request", "response") and isinstance(item.get("parts"), list):
        return _messages_from_pydantic_ai(item)
    if (message := autogen_message(item)) is not None:
        return read_item(message, default)
    role: Json = item.get("role") or _role_of_type(str(item.get("type"))) or default
    if not isinstance(role, str) or not _is_message(item, default):
        return []
    name = item.get("name")
    role = default if role == "unknown" else _role(role)
    return [
        Message(
            role=role,
            parts=_content(item, role),
            name=name if isinstance(name, str) else None,
            finish_reason=finish_reason(item),
        )
    ]


def empty_message(item: Json) -> Message | None:
    """Return a message without content; None: the object is no such message."""
    role = item.get("role") if isinstance(item, dict) else None
    if not isinstance(role, str) or role.lower() not in ROLES or item.keys() - MESSAGE_FIELDS:
        return None
    role = _role(role)
    return Message(role=role, parts=_content(item, role), finish_reason=finish_reason(item))


def _role(name: str) -> str:
    """Return Tracer's role for a role's name in an API or framework."""
    name = name.lower().removeprefix(_ENUMERATION)
    return _ROLE_ALIASES.get(name, name)


def item_role(item: dict[str, Json]) -> str | None:
    """Return the sender's role of an item of the Responses API; None: it is no such item."""
    type_name = str(item.get("type"))
    if role := _ITEM_ROLES.get(type_name):
        return role
    if type_name.endswith("_call_output"):
        return "tool"
    # Other objects may have a type such as phone_call.
    return "assistant" if type_name.endswith("_call") and item.keys() & _CALL_FIELDS else None


def finish_reason(item: dict[str, Json]) -> str | None:
    """Return the finish reason of an answer; None: it has none."""
    if REASON_FIELDS.isdisjoint(item):
        return None
    for name in _FINISH_REASONS:
        if isinstance(reason := item.get(name), str) and reason:
            return reason
    # The Responses API has a reason only for incomplete answers.
    details = item.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return reason if isinstance(reason, str) and reason else None


def _message_from_pair(item: list[Json]) -> list[Message]:
    """Return the message of ``["human", "Hi"]``, a form of LangChain's prompts."""
    if len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], str):
        role = item[0].lower()
        if role in ROLES:
            return [Message(role=_ROLE_ALIASES.get(role, role), parts=read_parts(item[1]))]
    return []


def _unwrap(item: dict[str, Json], default: str) -> list[Message] | None:
    """Return the messages within a wrapper; None: the object is no wrapper."""
    if "message" in item and (choice := _choice_message(item)):
        return read_item(choice, default)
    if "role" in item:
        return None
    text = item.get("text") if item.keys() & _COMPLETION_FIELDS else None
    if text is None and default == "assistant":
        text = string(item, *_COMPLETION_TEXTS)
    if isinstance(text, str):
        # A choice of OpenAI's older API for completions of a text.
        reason = finish_reason(item)
        parts = _with_calls(read_parts(text), item)
        return [Message(role="assistant", parts=parts, finish_reason=reason)]
    for name in _WRAPPERS:
        inner = item.get(name)
        if isinstance(inner, dict) and (name != "data" or item.get("type") in _TYPE_ROLES):
            role = _langchain_role(item)
            messages = read_item({"role": role, **inner} if role else inner, default)
            if messages:
                messages[-1].finish_reason = finish_reason(item) or messages[-1].finish_reason
            return messages
    return None


def _choice_message(item: dict[str, Json]) -> dict[str, Json] | None:
    """Return the message of a choice or history whose ``message`` is only the content."""
    content = item["message"]
    if "content" in item or item.keys() - MESSAGE_FIELDS - {"message", "tool.result"}:
        return None
    is_text = isinstance(content, str) and bool(item.keys() & _CHOICE_FIELDS)
    if not (is_text or isinstance(content, list)):
        return None
    rest = {name: value for name, value in item.items() if name != "message"}
    return {"role": "assistant", **rest, "content": content}


def _is_message(item: dict[str, Json], default: str) -> bool:
    """Return whether an object is a message: it has a role, or only fields of messages."""
    if not item.keys() & _CONTENT_FIELDS:
        is_bare = default == "assistant" and "role" not in item and not item.keys() - MESSAGE_FIELDS
        return _has_other_content(item) and (is_bare or str(item.get("role")).lower() in ROLES)
    if "role" in item or _role_of_type(str(item.get("type"))):
        return True
    # {"content": …} may be any input; as an answer, or in Gemini's parts, it is a message.
    return not item.keys() - MESSAGE_FIELDS and (default == "assistant" or "parts" in item)


def _has_other_content(item: dict[str, Json]) -> bool:
    return any(item.get(name) for name in ("refusal", "audio", *_MEDIA, *_REASONING))


def _content(item: dict[str, Json], role: str) -> list[Part]:
    content = next((item[name] for name in ("parts", "content", "blocks") if name in item), None)
    call_id = string(item, "tool_call_id", "toolCallId", "id")
    if role == "tool" and "parts" not in item and not _has_results(content):
        result = {"type": "tool_result", "id": call_id, "name": item.get("name")}
        parts = [] if content is None else [read_part({**result, "content": content})]
    else:
        parts = read_parts(content)
    if all(part.type != "reasoning" for part in parts):
        parts = [*_reasoning(item), *parts]
    if isinstance(refusal := item.get("refusal"), str) and refusal:
        parts.append(Part(type="text", text=refusal))
    if isinstance(audio := item.get("audio"), dict):
        parts.append(audio_answer(audio))
    for name, kind in _MEDIA.items():
        listed = item.get(name)
        parts += [_media(medium, kind) for medium in (listed if isinstance(listed, list) else ())]
    return _with_calls(parts, item)


def _reasoning(item: dict[str, Json]) -> list[Part]:
    """Return the reasoning before the answer; if an API sends it twice, it is returned once."""
    extra = item.get("additional_kwargs")
    for source in (item, extra if isinstance(extra, dict) else {}):
        # Most messages have none, and a page reads hundreds.
        if _REASONING_FIELDS.isdisjoint(source):
            continue
        for name in _REASONING:
            value = source.get(name)
            if isinstance(value, str) and value:
                return [Part(type="reasoning", text=value)]
            if isinstance(value, list) and value:
                return read_parts(value)
            if isinstance(value, dict) and value:
                return [read_part({**value, "type": "reasoning"})]
    return []


def _media(item: Json, kind: str) -> Part:
    if isinstance(item, dict):
        own_type = part_type(api_name_of(item))
        return media_part(item, kind if own_type == "data" else own_type)
    return media_part({"data": item}, kind)


def _with_calls(parts: list[Part], item: dict[str, Json]) -> list[Part]:
    calls = decoded(item.get("tool_calls") or item.get("toolCalls"))
    if not calls and (single := _single_call(item)):
        calls = [single]
    for call in calls if isinstance(calls, list) else []:
        if isinstance(call, dict):
            part = read_part({**call, "type": "tool_call"})
            # Some APIs send a call twice: in the content and beside it.
            if part.id is None or all(other.id != part.id for other in parts):
                parts.append(part)
    return parts


def _single_call(item: dict[str, Json]) -> dict[str, Json] | None:
    """Return the call of a message in OpenAI's older form of one call, also flattened."""
    name, call = item.get("function_call_name"), item.get("function_call")
    if isinstance(name, str) and _role(str(item.get("role"))) == "assistant":
        return {"name": name, "arguments": item.get("function_call_arguments_json")}
    return call if isinstance(call, dict) else None


def _has_results(content: Json) -> bool:
    """Return whether the content is a list of results with the ids of their calls."""
    items = decoded(content)
    return isinstance(items, list) and any(
        isinstance(item, dict) and part_type(api_name_of(item)) == "tool_result" for item in items
    )


def _langchain_role(item: dict[str, Json]) -> str | None:
    """Return the role that LangChain sends as a type, or in the name of a class."""
    path = item.get("id")
    name = path[-1] if isinstance(path, list) and path else item.get("type")
    return _role_of_type(name) if isinstance(name, str) else None


def _role_of_type(type_name: str) -> str | None:
    """Return the role for a message's type: ``ai``, or a class such as ``AIMessageChunk``."""
    return _TYPE_ROLES.get(type_name) or _TYPE_ROLES.get(
        type_name.removesuffix("Chunk").removesuffix("Message").lower()
    )


def _messages_from_pydantic_ai(item: dict[str, Json]) -> list[Message]:
    """Return the messages of a request or response, with a message per role."""
    messages: list[Message] = []
    if isinstance(instructions := item.get("instructions"), str) and instructions:
        messages.append(Message(role="system", parts=read_parts(instructions)))
    is_response = item["kind"] == "response"
    for part in item["parts"]:
        part_kind = snake(str(part.get("part_kind"))) if isinstance(part, dict) else ""
        role = "assistant" if is_response else _PYDANTIC_AI_ROLES.get(part_kind, "user")
        if not messages or messages[-1].role != role:
            messages.append(Message(role=role, parts=[]))
        messages[-1].parts += read_parts([part])
    if is_response and messages:
        messages[-1].finish_reason = finish_reason(item)
    return messages
