"""Reads the parts of a message's content, from any API."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tracer.messages.media import MEDIA_API_NAMES, media_part
from tracer.messages.part import Part, decoded, inlined, snake, string
from tracer.messages.tool_parts import (
    TOOL_CALLS,
    call_parts,
    is_page_call,
    page_call_parts,
    result_part,
    tool_kind,
)
from tracer.records import Json

__all__ = ("TOOL_CALLS", "Part", "decoded", "decoded_parts", "part_type", "read_part", "read_parts")

_API_NAMES: Final = {
    "text": "text input_text output_text summary_text refusal user_prompt system_prompt"
    " retry_prompt guard_content citations_content",
    "reasoning": "reasoning thinking redacted_thinking reasoning_text reasoning_summary"
    " reasoning_encrypted reasoning_content thought",
    **MEDIA_API_NAMES,
}
_TYPE_OF_API_NAME: Final = {
    api_name: kind for kind, words in _API_NAMES.items() for api_name in words.split()
}

_NAMING_KEYS: Final = frozenset(
    (
        "function_call",
        "function_response",
        "tool_use",
        "tool_result",
        "tool_call",
        "tool_call_result",
        "inline_data",
        "file_data",
        "executable_code",
        "code_execution_result",
        "reasoning_content",
        "guard_content",
        "citations_content",
        "image",
        "document",
        "video",
        "audio",
        "b64_json",
        "reasoning",
    )
)
"""Keys, in snake case, that name the type of a part without ``type``, as in Bedrock and Gemini."""
_REASONING_TEXTS: Final = ("content", "thinking", "text", "reasoning", "summary", "reasoning_text")
_REASONING_WRAPPERS: Final = ("reasoning_content", "reasoning_text", "reasoning")


def read_parts(content: Json) -> list[Part]:
    """Return the parts of a message's content: text, one part, or a list of them."""
    content = decoded_parts(content)
    if content is None or content == "":
        return []
    if isinstance(content, list):
        return [part for item in content if not _is_separator(item) for part in _read(item)]
    return _read(content)


def _is_separator(item: Json) -> bool:
    """Return whether an item is null, or marks the start of a step in the AI SDK's messages."""
    return item is None or (isinstance(item, dict) and item.get("type") == "step-start")


def read_part(item: Json) -> Part:
    """Return one part; an unknown one becomes a ``data`` part with the name that was sent."""
    return _read(item)[0]


def decoded_parts(content: Json) -> Json:
    """Return the parts in JSON text; any other value unchanged.

    Events and flattened attributes can't contain lists, so frameworks send JSON text.
    """
    if not isinstance(content, str) or content[:2] not in _BEGINNINGS:
        return content
    parts = decoded(content)
    if isinstance(parts, list) and parts and all(_is_known(item) for item in parts):
        return parts
    return content


_BEGINNINGS: Final = ("[{", "[ ", "[\n")


def part_type(api_name: str) -> str:
    """Return the type of a part by its name in an API."""
    return _part_type(snake(api_name))


@lru_cache(maxsize=1_000)
def _part_type(api_name: str) -> str:
    return tool_kind(api_name) or _TYPE_OF_API_NAME.get(api_name, "data")


def api_name_of(item: dict[str, Json]) -> str:
    """Return the API's name for the type of a part, from its type or a key; empty: unknown."""
    for name in ("type", "part_kind", "kind", "block_type"):
        if isinstance(api_name := item.get(name), str) and api_name:
            return api_name
    if isinstance(item.get("text"), str):
        return "thought" if item.get("thought") is True else "text"
    return next((key for key in item if snake(key) in _NAMING_KEYS), "")


def _is_known(item: Json) -> bool:
    return isinstance(item, dict) and part_type(api_name_of(item)) != "data"


def _read(item: Json) -> list[Part]:
    if isinstance(item, str):
        return [_text(item)]
    if not isinstance(item, dict):
        return [Part(type="data", data=item)]
    api_name = api_name_of(item)
    kind = part_type(api_name)
    if kind == "text":
        return _texts(item, api_name)
    if kind == "reasoning":
        return [_reasoning(item)]
    if kind == "tool_call":
        return call_parts(item, read_parts)
    if kind == "tool_result":
        return [result_part(item, read_parts)]
    if is_page_call(item):
        return page_call_parts(item, read_parts)
    if kind == "data":
        # Some APIs name a part by its only key.
        name = api_name or (next(iter(item)) if len(item) == 1 else None)
        return [Part(type="data", name=name, data=item)]
    return [media_part(item, kind)]


def _text(text: str) -> Part:
    """Return a text as a part; a data: URL of an image or audio becomes a media part."""
    kind = text[5:10] if text[:5] == "data:" and text[10:11] == "/" else ""
    if kind in ("image", "audio") and "," in text[:100]:
        return media_part({"url": text}, kind)
    return Part(type="text", text=text)


def _texts(item: dict[str, Json], api_name: str) -> list[Part]:
    flat = inlined(item, "guard_content", "citations_content", "text")
    text = string(flat, "text", "content", "refusal", "value")
    if text is not None:
        return [_text(text)]
    # A prompt of several parts, such as text and images.
    content = flat.get("content")
    inner = read_parts(content) if isinstance(content, list) else []
    return inner or [Part(type="data", name=api_name or None, data=item)]


def _reasoning(item: dict[str, Json]) -> Part:
    flat = inlined(item, *_REASONING_WRAPPERS)
    texts = (_reasoning_text(flat.get(name)) for name in _REASONING_TEXTS)
    return Part(type="reasoning", text=next((text for text in texts if text), ""))


def _reasoning_text(value: Json) -> str:
    if isinstance(value, list):
        return "\n".join(part.text for part in read_parts(value) if part.text)
    if isinstance(value, dict):
        return _reasoning(value).text or ""
    return value if isinstance(value, str) else ""
