"""The one line that stands for an input or output in lists."""

from __future__ import annotations

from typing import Final

import msgspec

from tracer.messages.conversation import Message, read_messages
from tracer.messages.parts import Part
from tracer.records import Json

_SPOKEN: Final = ("text", "audio")


def preview(value: Json, *, output: bool = False, limit: int = 200) -> str:
    """Return one line for ``value``: of a conversation its last message, or compact text.

    Of an input that is the last message of the user, of an output the last answer.
    """
    if value is None:
        return ""
    messages = read_messages(value, output=True)
    text = _last_text(messages, output) if messages else None
    if text is None:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # Inputs may be megabytes: only the part that can show is normalised.
    text = " ".join(text[: limit * 8].split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _last_text(messages: list[Message], output: bool) -> str | None:
    wanted = "assistant" if output else "user"
    with_text = [message for message in messages if _text_of(message)]
    preferred = [message for message in with_text if message.role == wanted]
    last = (preferred or with_text)[-1:]
    return _text_of(last[0]) if last else _last_other(messages)


def _last_other(messages: list[Message]) -> str | None:
    parts = [part for message in messages for part in message.parts]
    calls = [part for part in parts if part.type == "tool_call"]
    if calls:
        return _call_text(calls[-1])
    media = [part for part in parts if part.type in ("image", "audio", "file")]
    return f"[{media[-1].name or media[-1].type}]" if media else None


def _call_text(call: Part) -> str:
    arguments = msgspec.json.encode(call.data).decode() if call.data else ""
    return f"{call.name or 'tool'}({arguments})"


def _text_of(message: Message) -> str:
    """Return what was written or spoken, without reasoning, calls and results."""
    return "\n".join(part.text for part in message.parts if part.type in _SPOKEN and part.text)
