"""One piece of a chat message, and what reading it from any API's JSON needs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from tracer.records import Json

_MAX_JSON_TEXT: Final = 4 * 1024 * 1024
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A piece of a message; which fields are set depends on ``type``."""

    type: str
    """text, reasoning, tool_call, tool_result, image, audio, file or data."""
    text: str | None = None
    """Of audio its transcript, of a file its content where that is text."""
    name: str | None = None
    """The tool called, the file's name, or what the API calls a part that isn't known."""
    id: str | None = None
    """Joins a tool_result to its tool_call."""
    data: Json = None
    """Arguments of a call, a result that is no text, or a part that isn't known."""
    parts: list[Part] = []
    """Of a tool_result with images, audio or files in it: all that it holds."""
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


@lru_cache(maxsize=1_000)
def snake(word: str) -> str:
    """Return ``functionCall``, ``tool-call`` or ``reasoning.text`` with underscores alone."""
    return _HUMP.sub("_", word).replace("-", "_").replace(".", "_").lower()


def first(item: dict[str, Json], *names: str) -> Json:
    """Return the first value among ``names`` that isn't null."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def string(item: dict[str, Json], *names: str) -> str | None:
    """Return the first text among ``names``."""
    return next((item[name] for name in names if isinstance(item.get(name), str)), None)


def inlined(item: dict[str, Json], *names: str) -> dict[str, Json]:
    """Return the object with the fields of the objects at ``names`` as its own.

    ``names`` are compared by `snake`; a ``type`` within them is left out.
    """
    flat = dict(item)
    for name, value in item.items():
        if isinstance(value, dict) and snake(name) in names:
            flat |= {key: inner for key, inner in inlined(value, *names).items() if key != "type"}
    return flat
