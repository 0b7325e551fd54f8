"""One piece of a chat message, read from any API's way to write it."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer.records import Json

_MAX_JSON_TEXT: Final = 4 * 1024 * 1024

TOOL_CALLS: Final = (
    "tool_call",
    "tool_use",
    "server_tool_use",
    "server_tool_call",
    "mcp_tool_use",
    "function",
    "function_call",
    "custom_tool_call",
    "functionCall",
    "toolUse",
    "tool-call",
)
"""What APIs call the part that calls a tool."""

_KINDS: Final = {
    "text": ("text", "input_text", "output_text", "summary_text", "refusal"),
    "reasoning": ("reasoning", "thinking", "redacted_thinking"),
    "tool_call": TOOL_CALLS,
    "tool_result": (
        "tool_result",
        "tool_call_response",
        "server_tool_call_response",
        "mcp_tool_result",
        "web_search_tool_result",
        "function_call_output",
        "custom_tool_call_output",
        "functionResponse",
        "toolResult",
        "tool-result",
    ),
    "image": ("image", "image_url", "input_image"),
    "audio": ("audio", "input_audio", "output_audio"),
    "file": ("file", "input_file", "document", "blob", "uri", "inlineData", "fileData", "media"),
}
_KIND_OF: Final = {word: kind for kind, words in _KINDS.items() for word in words}

# Gemini and Bedrock name a part by the key that holds it.
_KEYED: Final = (
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "toolUse",
    "toolResult",
)
_SNAKE: Final = {
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "inline_data": "inlineData",
    "file_data": "fileData",
}
# Objects in which APIs wrap what a part is about.
_INNER: Final = (
    "function",
    "source",
    "image_url",
    "input_audio",
    "image",
    "audio",
    "file",
    *_KEYED,
)


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A piece of a message; which fields are set depends on ``type``."""

    type: str
    """text, reasoning, tool_call, tool_result, image, audio, file or data."""
    text: str | None = None
    name: str | None = None
    """The tool called, or the file's name."""
    id: str | None = None
    """Joins a tool_result to its tool_call."""
    data: Json = None
    """Arguments of a call, a result that is no text, or a part that isn't understood."""
    mime_type: str | None = None
    url: str | None = None
    """Where an image, audio or file is, also as ``data:``."""


def decoded(value: Json) -> Json:
    """Return the JSON object or list that a text holds, else the value itself."""
    if not isinstance(value, str) or len(value) > _MAX_JSON_TEXT:
        return value
    if value[:64].lstrip()[:1] not in ("{", "["):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return value


def read_parts(content: Json) -> list[Part]:
    """Return the parts of a message's content: text, one part, or a list of them."""
    if content is None or content == "":
        return []
    if isinstance(content, list):
        return [read_part(item) for item in content if item is not None]
    return [read_part(content)]


def read_part(item: Json) -> Part:
    """Return one part; what isn't understood is a ``data`` part."""
    if isinstance(item, str):
        return Part(type="text", text=item)
    if not isinstance(item, dict):
        return Part(type="data", data=item)
    word = item.get("type")
    if not isinstance(word, str):
        word = _word_of(item)
    kind = kind_of(word)
    if kind == "text":
        return _text(item)
    if kind == "reasoning":
        return _reasoning(item)
    if kind == "tool_call":
        return _call(item)
    if kind == "tool_result":
        return _result(item)
    return Part(type="data", data=item) if kind == "data" else _media(item, kind)


def kind_of(word: str) -> str:
    """Return the type of a part that an API calls ``word``."""
    kind = _KIND_OF.get(word)
    if kind is None and word.endswith("_call"):
        # The Responses API has a type for each of its own tools: web_search_call …
        kind = "tool_call"
    return kind or "data"


def _word_of(item: dict[str, Json]) -> str:
    if isinstance(item.get("text"), str):
        return "reasoning" if item.get("thought") is True else "text"
    for key in item:
        word = _SNAKE.get(key, key)
        if word in _KEYED:
            return word
    return ""


def _first(item: dict[str, Json], *names: str) -> Json:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _string(item: dict[str, Json], *names: str) -> str | None:
    value = _first(item, *names)
    return value if isinstance(value, str) else None


def _flat(item: dict[str, Json]) -> dict[str, Json]:
    """Return the part with the fields of the objects inside it as its own."""
    flat = dict(item)
    for name in (*_INNER, *_SNAKE):
        inner = item.get(name)
        if isinstance(inner, dict):
            flat.update({key: value for key, value in inner.items() if key != "type"})
    return flat


def _text(item: dict[str, Json]) -> Part:
    text = _string(item, "text", "content", "refusal")
    return Part(type="text", text=text) if text is not None else Part(type="data", data=item)


def _reasoning(item: dict[str, Json]) -> Part:
    said = _first(item, "content", "thinking", "text", "reasoning", "summary")
    if isinstance(said, list):
        said = "\n".join(part.text for part in read_parts(said) if part.text)
    return Part(type="reasoning", text=said if isinstance(said, str) else "")


def _call(item: dict[str, Json]) -> Part:
    flat = _flat(item)
    word = item.get("type")
    own = word if isinstance(word, str) and word not in _KIND_OF else None
    return Part(
        type="tool_call",
        id=_string(flat, "call_id", "toolCallId", "toolUseId", "id"),
        name=_string(flat, "name", "toolName") or (own and own.removesuffix("_call")),
        data=decoded(_first(flat, "arguments", "args", "input", "action", "queries", "code")),
    )


def _result(item: dict[str, Json]) -> Part:
    flat = _flat(item)
    said = decoded(_first(flat, "response", "result", "output", "content"))
    if isinstance(said, dict) and said.keys() == {"type", "value"}:
        # The AI SDK says of an output whether it is text, JSON or an error.
        said = said["value"]
    part = Part(
        type="tool_result",
        id=_string(flat, "call_id", "tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "id"),
        name=_string(flat, "name", "toolName"),
    )
    if isinstance(said, list):
        parts = read_parts(said)
        if parts and all(piece.type == "text" for piece in parts):
            said = "\n".join(piece.text or "" for piece in parts)
    if isinstance(said, str):
        part.text = said
    else:
        part.data = said
    return part


def _media(item: dict[str, Json], kind: str) -> Part:
    flat = _flat(item)
    mime = _string(flat, "mime_type", "media_type", "mimeType", "mediaType")
    if mime is None and (form := _string(flat, "format")):
        mime = f"{kind}/{form}"
    url = _string(flat, "url", "uri", "image_url", "fileUri", "file_uri", "file_url")
    content = _string(flat, "data", "content", "file_data", "image", "audio")
    if url is None and content:
        # Base64 without its type can't be shown, but it can be told.
        whole = content.startswith(("data:", "http://", "https://"))
        url = content if whole else f"data:{mime or 'application/octet-stream'};base64,{content}"
    return Part(
        type=_media_kind(_string(flat, "modality") or mime or "", kind),
        name=_string(flat, "filename", "file_name", "displayName", "name", "file_id", "title"),
        mime_type=mime,
        url=url,
    )


def _media_kind(told: str, kind: str) -> str:
    told = told.partition("/")[0]
    return told if kind == "file" and told in ("image", "audio") else kind
