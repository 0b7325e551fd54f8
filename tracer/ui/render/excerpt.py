"""Long texts: the part of a text that a page shows at first, and the whole text on request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from tracer import exact_json
from tracer.messages.conversation import Part, read_messages
from tracer.records import Json
from tracer.ui.render.format import text_size

MAX_SHOWN = 10_000
"""Characters that a page shows of a text; a link loads the rest."""
_LONG_LINE = 20_000
_UNBROKEN = re.compile(r"\S{200}")
# Browsers sort the combining marks of one letter in quadratic time: 50,000 take 20 s, in groups
# 0.1 s. A group begins with a dotted circle in place of a letter.
_MANY_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{60}"
)
_GROUP_START = "\u200b\u25cc"


def excerpt(text: str, limit: int = MAX_SHOWN) -> tuple[str, str]:
    """Return the beginning of a text for display, and the size of the whole text.

    The size is "" if nothing is left out.
    """
    return separated(text[:limit]), "" if len(text) <= limit else text_size(text)


def digest(text: str) -> str:
    """Return a short hash, by which `find_text` finds the text within its value."""
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def find_text(value: Json, wanted_digest: str) -> str | None:
    """Return the text with this digest in a value or in its messages, None if there is none."""
    return next((text for text in _texts(value) if digest(text) == wanted_digest), None)


def parse(text: str) -> Json:
    """Return the object or list that ``text`` encodes as JSON, else the text."""
    # Numbers and literals are valid JSON too, but are better shown as text.
    if text[:1] not in ("{", "["):
        return text
    try:
        return exact_json.decode(text)
    except msgspec.DecodeError:
        return text


def is_dense(text: str) -> bool:
    """Return whether a text has long runs without a space, as encoded data has."""
    return _UNBROKEN.search(text) is not None


def has_long_line(text: str) -> bool:
    """Return whether a line is so long that its layout must not decide on its direction."""
    return any(len(line) > _LONG_LINE for line in text.split("\n"))


def separated(text: str) -> str:
    """Return a text for display, with long runs of combining marks divided into groups."""
    return _MANY_MARKS.sub(lambda match: match[0] + _GROUP_START, text)


def _texts(value: Json) -> Iterator[str]:
    yield from _inner_texts(value)
    for output in (False, True):
        for message in read_messages(value, output=output) or ():
            for part in message.parts:
                yield from _part_texts(part)


def _part_texts(part: Part) -> Iterator[str]:
    if part.text:
        yield part.text
    yield from _inner_texts(part.data)
    for inner in part.parts or ():
        yield from _part_texts(inner)


def _inner_texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        value = parse(value)
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _inner_texts(inner)
