"""Model calls as items that can be compared: the tool definitions, then the messages.

A provider caches the beginning of a request: tool definitions, then messages, up to the first
difference. Tokens of one message are an estimate: the input tokens of the call, shared out by the
length of the messages' JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.messages.conversation import Message, read_messages
from tracer.messages.message import read_item
from tracer.messages.parts import Part
from tracer.messages.previews import preview
from tracer.records import Json

COMPACTED_SHARE: Final = 0.7
"""A conversation with less than this share of the earlier call's length was compacted."""
_LINE_CHARACTERS: Final = 160
"""Characters of a message's line."""
_MESSAGE_CHARACTERS: Final = 16
"""Overhead of each message besides its text, in the estimate of its tokens."""


class Call(msgspec.Struct, kw_only=True):
    """A model call as its span records it."""

    span_id: str
    trace_id: str = ""
    name: str
    model: str | None = None
    start_time: datetime
    input: Json
    tools: list[Json]
    output: Json = None
    """The response, where it was read."""
    input_tokens: int | None = None
    cache_read: int | None = None
    """Tokens read from the cache; None: the provider did not report any number."""
    input_price: Decimal | None = None
    """Dollars per token of input that was not cached; None: not known."""
    cache_read_price: Decimal | None = None
    cost: Decimal | None = None
    """Dollars of the whole call."""


class Item(msgspec.Struct, frozen=True):
    """The tool definitions or one message of an input; ``line`` is its beginning as one line."""

    role: str
    text: str
    line: str
    tool: str = ""
    """The name of the tool whose result it is, where that is sent with it."""


class ReadCall(msgspec.Struct):
    """A call with its input as items."""

    call: Call
    items: list[Item]
    """The tool definitions, then the messages; empty: the input holds no messages."""
    shares: list[float]
    """Each item's part of the input, 0 to 1."""
    ends: list[int]
    """The characters of the items up to and with each."""


class CallReader:
    """Reads the messages of calls.

    Messages that calls have in common should be the same objects: each object is read once, so that
    n calls with a growing history take little more time than its n messages.
    """

    def __init__(self) -> None:
        self._messages_by_object: dict[tuple[int, str], tuple[Json, list[Message]]] = {}
        """By the id of an object, which is kept so that no other object gets its id."""
        self._by_message: dict[int, tuple[Message, Item]] = {}
        self._distinct_items: dict[Item, Item] = {}
        self._tool_names: dict[str, str] = {}
        """The name of the tool by the id of its call."""

    def read(self, call: Call) -> ReadCall:
        """Read the messages of a call."""
        items = self._items(call)
        sizes = [len(item.text) + (_MESSAGE_CHARACTERS if item.text else 0) for item in items]
        total = sum(sizes) or 1
        ends = list(accumulate(len(item.text) for item in items))
        return ReadCall(call, items, [size / total for size in sizes], ends)

    def _items(self, call: Call) -> list[Item]:
        messages = read_messages(call.input, read=self.messages)
        if not messages:
            return []
        tools = exact_json.encode(call.tools).decode() if call.tools else ""
        line = f"{len(call.tools)} tool definitions"
        return [Item("tools", tools, line), *(self._item(message) for message in messages)]

    def messages(self, value: Json, default: str) -> list[Message]:
        """Return the messages of an object, as `read_item` does."""
        if not isinstance(value, dict | list):
            return read_item(value, default)
        cached = self._messages_by_object.get((id(value), default))
        if cached is None:
            cached = self._messages_by_object[id(value), default] = (
                value,
                read_item(value, default),
            )
        return cached[1]

    def _item(self, message: Message) -> Item:
        cached = self._by_message.get(id(message))
        if cached is None:
            item = read_message(message, self._tool_names)
            cached = self._by_message[id(message)] = (
                message,
                self._distinct_items.setdefault(item, item),
            )
        return cached[1]


def read_message(message: Message, tools: dict[str, str] | None = None) -> Item:
    """Return the compared fields of a message, without ids: repeated messages may have new ids.

    ``tools``: names of tools by the ids of their calls, to which those of the message are added.
    """
    text = "\n".join(_text(part) for part in message.parts)
    tool = _tool_name(message, {} if tools is None else tools)
    return Item(message.role, text, preview(text, limit=_LINE_CHARACTERS), tool)


def _tool_name(message: Message, tools: dict[str, str]) -> str:
    for part in message.parts:
        if part.type == "tool_call" and part.id:
            tools[part.id] = part.name or ""
        elif part.type == "tool_result":
            return part.name or tools.get(part.id or "", "")
    return ""


def _text(part: Part) -> str:
    texts = [part.name or "", part.text or "", part.url or ""]
    if part.data is not None:
        texts.append(exact_json.encode(part.data).decode())
    texts += [_text(inner) for inner in part.parts]
    return " ".join(text for text in texts if text)


def closest_call(call: ReadCall, earlier: Sequence[ReadCall]) -> ReadCall | None:
    """Return the one of ``earlier`` calls whose input has the longest common beginning with a call.

    Of several, the last. None: there are no earlier calls, or no messages.
    """
    candidates = [other for other in earlier if other.items]
    if not call.items or not candidates:
        return None

    def rank(other: ReadCall) -> tuple[int, datetime]:
        shared = shared_beginning(call, other)
        return call.ends[shared - 1] if shared else 0, other.call.start_time

    return max(candidates, key=rank)


def without_shorter(call: Call, earlier: Sequence[Call]) -> list[Call]:
    """Return the earlier calls of which one is the `closest_call`, without those that can't be.

    Of the calls whose whole input is the beginning of this one's input only the longest is kept, of
    equal ones the last. Their messages need not be read for that, and mostly are the same objects.
    """
    longest: Call | None = None
    others = []
    for other in earlier:
        if not _begins_with(call, other):
            others.append(other)
        elif longest is None or _length(other) >= _length(longest):
            longest = other
    return others if longest is None else [longest, *others]


def _begins_with(call: Call, other: Call) -> bool:
    """Return whether a call's input begins with another's, with the same tools."""
    if not isinstance(call.input, list) or not isinstance(other.input, list):
        return False
    return call.tools == other.tools and call.input[: len(other.input)] == other.input


def _length(call: Call) -> int:
    return len(call.input) if isinstance(call.input, list) else 0


def shared_beginning(call: ReadCall, other: ReadCall) -> int:
    """Return the number of items at the beginning that two calls have in common."""
    length = min(len(call.items), len(other.items))
    # Most calls begin with all items of the earlier one, and lists are compared by identity first.
    if call.items[:length] == other.items[:length]:
        return length
    pairs = zip(call.items, other.items, strict=False)
    return next(index for index, (item, same) in enumerate(pairs) if item != same)


def repeated_share(call: ReadCall, other: ReadCall) -> float:
    """Return the share of a call's input, 0 to 1, that is in another call's input, too."""
    earlier_items = set(other.items)
    return sum(
        share for item, share in zip(call.items, call.shares, strict=True) if item in earlier_items
    )


class Costs(NamedTuple):
    """Dollars for the repeated input of a call, and those that caching would have saved."""

    repeated: Decimal
    avoidable: Decimal


def repeated_costs(call: Call, share: float) -> Costs | None:
    """Return the costs of the repeated input; None: tokens or prices are unknown.

    ``share``: the repeated part of the input, 0 to 1, with the tokens read from the cache.
    A call that reports no cached tokens paid the full price for all of them.
    """
    if call.input_tokens is None or call.input_price is None or call.cache_read_price is None:
        return None
    tokens = round(share * call.input_tokens)
    cached = min(call.cache_read or 0, tokens)
    full, reduced = call.input_price, call.cache_read_price
    saved = (tokens - cached) * max(full - reduced, Decimal(0))
    return Costs((tokens - cached) * full + cached * reduced, saved)


class InputCost(msgspec.Struct, frozen=True):
    """A part of a call's input: what it cost, and what it would have cost had it been cached."""

    part: str
    """``cached``, ``known`` (sent before, but not read from the cache) or ``new``."""
    tokens: int
    paid: Decimal
    cached: Decimal | None
    """None for new input, which no cache can have."""


def input_costs(call: Call, share: float) -> list[InputCost]:
    """Return the costs of the parts of the input that are there; []: a price is unknown.

    ``share``: the repeated part of the input, 0 to 1.
    """
    if call.input_tokens is None or call.input_price is None or call.cache_read_price is None:
        return []
    full, reduced = call.input_price, call.cache_read_price
    cached = min(call.cache_read or 0, call.input_tokens)
    known = max(round(share * call.input_tokens) - cached, 0)
    new = call.input_tokens - cached - known
    parts = [
        InputCost("cached", cached, cached * reduced, cached * reduced),
        InputCost("known", known, known * full, known * reduced),
        InputCost("new", new, new * full, None),
    ]
    return [part for part in parts if part.tokens]
