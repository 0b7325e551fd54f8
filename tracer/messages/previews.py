"""The line that shows an input or output in lists."""

from __future__ import annotations

from typing import Final

from tracer import exact_json
from tracer.messages.conversation import Message, read_messages
from tracer.messages.parts import Part
from tracer.records import Json

_TEXT_TYPES: Final = ("text", "audio")


def preview(value: Json, *, output: bool = False, limit: int = 200) -> str:
    """Return one line for ``value``: the last message of a conversation, or its JSON text.

    For an input it is the user's last message, for an output the last response.
    """
    if value is None:
        return ""
    messages = read_messages(value, output=True)
    text = _last_text(messages, output) if messages else None
    if text is None:
        text = value if isinstance(value, str) else exact_json.encode(value).decode()
    # Inputs may be megabytes: only the shown beginning is normalised.
    text = " ".join(text[: limit * 8].split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _last_text(messages: list[Message], output: bool) -> str | None:
    """Return the last answer of an output or the user's last message, else the last message."""
    role = "assistant" if output else "user"
    for message in reversed(messages):
        if message.role == role and (
            text := _text_of(message) or (output and _label_of_last_part(message))
        ):
            return text
    texts = (_text_of(message) or _label_of_last_part(message) for message in reversed(messages))
    return next((text for text in texts if text), None)


def _label_of_last_part(message: Message) -> str | None:
    """Return a text for the last call, image or file of a message without text."""
    for part in reversed(message.parts):
        if part.type == "tool_call":
            return _call_text(part)
        if part.type in ("image", "audio", "file"):
            return f"[{part.name or part.type}]"
    return None


def _call_text(call: Part) -> str:
    arguments = exact_json.encode(call.data).decode() if call.data else ""
    return f"{call.name or 'tool'}({arguments})"


def _text_of(message: Message) -> str:
    """Return the text and transcripts, without reasoning, calls and results."""
    return "\n".join(part.text for part in message.parts if part.type in _TEXT_TYPES and part.text)
