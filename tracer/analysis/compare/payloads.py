"""Compares the payloads of two spans: messages word by word, parameters by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby, zip_longest
from typing import Final

import msgspec

from tracer import exact_json
from tracer.analysis.word_diff import Piece, word_diff
from tracer.messages.conversation import read_messages
from tracer.messages.message import Message
from tracer.messages.part import Part
from tracer.records import Json

_MAX_CHARACTERS: Final = 200_000
"""Characters of a text that are compared; the rest is left out."""
_MAX_VALUE_CHARACTERS: Final = 2_000
"""Length to which values are cut."""


class Value(msgspec.Struct, kw_only=True, frozen=True):
    """A parameter then and now, as JSON or text; None: it was not sent."""

    name: str
    then: str | None
    now: str | None


class Text(msgspec.Struct, kw_only=True, frozen=True):
    """A differing message, or a value as text, with its words; or a run of ``same`` messages."""

    role: str
    same: int
    """How many messages in a row are equal; 0: this one differs."""
    pieces: list[Piece]


def compare_values(then: Mapping[str, Json], now: Mapping[str, Json]) -> list[Value]:
    """Return the values of both sides by name, those that differ first."""
    values = [
        Value(name=name, then=_shown(then, name), now=_shown(now, name)) for name in {**then, **now}
    ]
    return sorted(values, key=lambda value: value.then == value.now)


def _shown(values: Mapping[str, Json], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else exact_json.to_indented_text(value)[:_MAX_VALUE_CHARACTERS]


def compare_texts(then: Json, now: Json, *, output: bool = False) -> list[Text]:
    """Return the messages of two inputs or outputs; equal ones in a row are one."""
    texts: list[Text] = []
    paired = _paired(_items(then, output), _items(now, output))
    for is_same, pairs in groupby(paired, key=lambda pair: pair[0] == pair[1]):
        if is_same:
            texts.append(Text(role="", same=sum(1 for _ in pairs), pieces=[]))
        else:
            texts += [_compared(old, new) for old, new in pairs]
    return texts


_Item = tuple[str, str]
"""Role and text of a message."""


def _compared(old: _Item, new: _Item) -> Text:
    pieces = word_diff(old[1][:_MAX_CHARACTERS], new[1][:_MAX_CHARACTERS])
    return Text(role=new[0] or old[0], same=0, pieces=pieces)


def _items(value: Json, output: bool) -> list[_Item]:
    if value is None:
        return []
    messages = read_messages(value, output=output)
    if not messages:
        return [("", exact_json.to_indented_text(value))]
    return [(message.role, _message_text(message)) for message in messages]


def _message_text(message: Message) -> str:
    return "\n".join(_part_text(part) for part in message.parts)


def _part_text(part: Part) -> str:
    if part.type == "tool_call":
        return f"{part.name} {exact_json.to_indented_text(part.data)}"
    if part.text is not None:
        return part.text
    return (
        "\n".join(map(_part_text, part.parts)) or part.url or exact_json.to_indented_text(part.data)
    )


def _paired(earlier: list[_Item], later: list[_Item]) -> Iterator[tuple[_Item, _Item]]:
    """Yield the messages side by side: equal ends stay together, the middle is paired in order."""
    tail = 0
    shorter = min(len(earlier), len(later))
    head = next((index for index in range(shorter) if earlier[index] != later[index]), shorter)
    while tail < shorter - head and earlier[-1 - tail] == later[-1 - tail]:
        tail += 1
    yield from zip(earlier[:head], later[:head], strict=True)
    old, new = earlier[head : len(earlier) - tail], later[head : len(later) - tail]
    for left, right in zip_longest(old, new):
        # A message that one side lacks is shown with the other's role, and no text.
        yield left or (right[0], ""), right or (left[0], "")
    yield from ((item, item) for item in earlier[len(earlier) - tail :])
