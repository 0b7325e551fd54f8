"""A part of a chat message, and helpers to read it from the JSON of any API."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from tracer import exact_json
from tracer.records import Json

_MAX_JSON_TEXT: Final = 4 * 1024 * 1024
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A part of a message; its ``type`` decides which fields are set."""

    type: str
    """text, reasoning, tool_call, tool_result, image, audio, file or data."""
    text: str | None = None
    """The text, the transcript of audio, or the content of a text file."""
    name: str | None = None
    """The name of the tool or file, or the API's name of an unknown part."""
    id: str | None = None
    """The call's id, of a tool_call and its tool_result."""
    data: Json = None
    """Arguments of a call, a result other than text, or an unknown part."""
    parts: list[Part] = []
    """The content of a tool_result with images, audio or files."""
    mime_type: str | None = None
    url: str | None = None
    """Address of an image, audio or file, also a ``data:`` URL."""


def decoded(value: Json) -> Json:
    """Return the JSON object or list in a text; any other value unchanged."""
    if not isinstance(value, str) or len(value) > _MAX_JSON_TEXT:
        return value
    if value[:64].lstrip()[:1] not in ("{", "["):
        return value
    try:
        return exact_json.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return value


@lru_cache(maxsize=1_000)
def snake(word: str) -> str:
    """Return ``functionCall``, ``tool-call`` or ``reasoning.text`` in snake case."""
    return _HUMP.sub("_", word).replace("-", "_").replace(".", "_").lower()


def first(item: dict[str, Json], *names: str) -> Json:
    """Return the first value among ``names`` that isn't null."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def string(item: dict[str, Json], *names: str) -> str | None:
    """Return the first text among ``names``."""
    for name in names:
        if isinstance(value := item.get(name), str):
            return value
    return None


def inlined(item: dict[str, Json], *names: str) -> dict[str, Json]:
    """Return the object, with the fields of the objects at ``names`` moved up into it.

    ``names`` are compared by `snake`; a ``type`` within the objects is left out.
    """
    flat = dict(item)
    for name, value in item.items():
        if isinstance(value, dict) and snake(name) in names:
            flat |= {key: inner for key, inner in inlined(value, *names).items() if key != "type"}
    return flat
