"""Model calls as items that can be compared: the tool definitions, then the messages.

A provider caches the beginning of a request: tool definitions, then messages, up to the first
difference. Tokens of one message are an estimate: the input tokens of the call, shared out by the
length of the messages' JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.messages.conversation import Message, read_messages
from tracer.messages.message import read_item
from tracer.messages.parts import Part
from tracer.messages.previews import preview
from tracer.records import Json

SHORTENED: Final = 0.7
"""Share of the earlier call's length below which a conversation was compacted."""
_LINE: Final = 160
"""Characters of a message's line."""
_MESSAGE_CHARACTERS: Final = 16
"""What each message costs besides its text."""


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
    """The answer, where it was read."""
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


class CallReader:
    """Reads the messages of calls.

    What calls have in common should be the same objects: those are read once, so that n calls
    which repeat their history cost little more than its n messages.
    """

    def __init__(self) -> None:
        self._readings: dict[tuple[int, str], tuple[Json, list[Message]]] = {}
        """By the id of an object, which is kept so that no other object gets its id."""
        self._by_message: dict[int, tuple[Message, Item]] = {}
        self._equal: dict[Item, Item] = {}
        self._tools: dict[str, str] = {}
        """The name of the tool by the id of its call."""

    def read(self, call: Call) -> ReadCall:
        """Read the messages of a call."""
        items = self._items(call)
        sizes = [len(item.text) + (_MESSAGE_CHARACTERS if item.text else 0) for item in items]
        total = sum(sizes) or 1
        return ReadCall(call, items, [size / total for size in sizes])

    def _items(self, call: Call) -> list[Item]:
        messages = read_messages(call.input, read=self._messages)
        if not messages:
            return []
        tools = exact_json.encode(call.tools).decode() if call.tools else ""
        line = f"{len(call.tools)} tool definitions"
        return [Item("tools", tools, line), *(self._item(message) for message in messages)]

    def _messages(self, value: Json, default: str) -> list[Message]:
        if not isinstance(value, dict | list):
            return read_item(value, default)
        known = self._readings.get((id(value), default))
        if known is None:
            known = self._readings[id(value), default] = (value, read_item(value, default))
        return known[1]

    def _item(self, message: Message) -> Item:
        known = self._by_message.get(id(message))
        if known is None:
            item = read_message(message, self._tools)
            known = self._by_message[id(message)] = (message, self._equal.setdefault(item, item))
        return known[1]


def read_message(message: Message, tools: dict[str, str] | None = None) -> Item:
    """Return what of a message is compared: ids differ where a conversation is sent again.

    ``tools``: names of tools by the ids of their calls, to which those of the message are added.
    """
    text = "\n".join(_text(part) for part in message.parts)
    tool = _tool(message, {} if tools is None else tools)
    return Item(message.role, text, preview(text, limit=_LINE), tool)


def _tool(message: Message, tools: dict[str, str]) -> str:
    for part in message.parts:
        if part.type == "tool_call" and part.id:
            tools[part.id] = part.name or ""
        elif part.type == "tool_result":
            return part.name or tools.get(part.id or "", "")
    return ""


def _text(part: Part) -> str:
    words = [part.name or "", part.text or "", part.url or ""]
    if part.data is not None:
        words.append(exact_json.encode(part.data).decode())
    words += [_text(inner) for inner in part.parts]
    return " ".join(word for word in words if word)


def closest(call: ReadCall, earlier: Sequence[ReadCall]) -> ReadCall | None:
    """Return that of ``earlier`` calls which shares the longest beginning with a call.

    Of equally long ones the last counts. None: there is none, or no messages were sent.
    """
    candidates = [other for other in earlier if other.items]
    if not call.items or not candidates:
        return None

    def rank(other: ReadCall) -> tuple[int, datetime]:
        shared = call.items[: shared_beginning(call, other)]
        return sum(len(item.text) for item in shared), other.call.start_time

    return max(candidates, key=rank)


def shared_beginning(call: ReadCall, other: ReadCall) -> int:
    """Return how many items at the beginning two calls have in common."""
    pairs = list(zip(call.items, other.items, strict=False))
    differs = (item is not its and item != its for item, its in pairs)
    return next((number for number, different in enumerate(differs) if different), len(pairs))


def sent_before(call: ReadCall, other: ReadCall) -> float:
    """Return the share of a call's input, 0 to 1, that another call was sent as well."""
    known = set(other.items)
    return sum(share for item, share in zip(call.items, call.shares, strict=True) if item in known)


class Costs(NamedTuple):
    """Dollars of what a call was sent again, and how many of them caching would have saved."""

    repeated: Decimal
    avoidable: Decimal


def repeated_costs(call: Call, again: float) -> Costs | None:
    """Return the costs of what was sent before; None: tokens or prices are not known.

    ``again`` is the share of that in the input, 0 to 1. Tokens that were read from the cache are
    part of it. A call that reports no cached tokens paid the full price for all of them.
    """
    if call.input_tokens is None or call.input_price is None or call.cache_read_price is None:
        return None
    tokens = round(again * call.input_tokens)
    cached = min(call.cache_read or 0, tokens)
    full, reduced = call.input_price, call.cache_read_price
    saved = (tokens - cached) * max(full - reduced, Decimal(0))
    return Costs((tokens - cached) * full + cached * reduced, saved)
