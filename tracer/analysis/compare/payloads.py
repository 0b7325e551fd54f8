"""What differs in the payloads of two spans: messages by words, parameters by name."""

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

_MOST_TEXT: Final = 200_000
"""Characters of a text that are compared."""


class Value(msgspec.Struct, kw_only=True, frozen=True):
    """A parameter then and now, as JSON or text; None: it was not sent."""

    name: str
    then: str | None
    now: str | None


class Text(msgspec.Struct, kw_only=True, frozen=True):
    """A message, or a value as text, whose words are compared; ``same`` messages are counted."""

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
    return None if value is None else _text(value)[:2_000]


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
    pieces = word_diff(old[1][:_MOST_TEXT], new[1][:_MOST_TEXT])
    return Text(role=new[0] or old[0], same=0, pieces=pieces)


def _items(value: Json, output: bool) -> list[_Item]:
    if value is None:
        return []
    messages = read_messages(value, output=output)
    if not messages:
        return [("", _text(value))]
    return [(message.role, _message_text(message)) for message in messages]


def _message_text(message: Message) -> str:
    return "\n".join(_part_text(part) for part in message.parts)


def _part_text(part: Part) -> str:
    if part.type == "tool_call":
        return f"{part.name} {_text(part.data)}"
    if part.text is not None:
        return part.text
    return "\n".join(map(_part_text, part.parts)) or part.url or _text(part.data)


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.format(exact_json.encode(value), indent=2).decode()


def _paired(before: list[_Item], after: list[_Item]) -> Iterator[tuple[_Item, _Item]]:
    """Yield the messages side by side: equal ends stay together, the middle is paired in order."""
    tail = 0
    shorter = min(len(before), len(after))
    head = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    yield from zip(before[:head], after[:head], strict=True)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    for left, right in zip_longest(old, new):
        # What one side lacks has the role of the other's message, and no text.
        yield left or (right[0], ""), right or (left[0], "")
    yield from ((item, item) for item in before[len(before) - tail :])
