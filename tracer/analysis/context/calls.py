"""Model calls as items that can be compared: the tool definitions, then the messages.

A provider caches the beginning of a request: tool definitions, then messages, up to the first
difference. Tokens of one message are an estimate: the input tokens of the call, shared out by the
length of the messages' JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from tracer import exact_json
from tracer.messages.conversation import Message, read_messages
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
    name: str
    start_time: datetime
    input: Json
    tools: list[Json]
    input_tokens: int | None = None
    cache_read: int | None = None
    """Tokens read from the cache; None: the provider did not report any number."""
    input_price: Decimal | None = None
    """Dollars per token of input that was not cached; None: not known."""
    cache_read_price: Decimal | None = None


class Item(msgspec.Struct, frozen=True):
    """The tool definitions or one message of an input; ``line`` is its beginning as one line."""

    role: str
    text: str
    line: str


class ReadCall(msgspec.Struct):
    """A call with its input as items."""

    call: Call
    items: list[Item]
    """The tool definitions, then the messages; empty: the input holds no messages."""
    shares: list[float]
    """Each item's part of the input, 0 to 1."""


def read_call(call: Call) -> ReadCall:
    """Read the messages of a call."""
    items = _items(call)
    sizes = [len(item.text) + (_MESSAGE_CHARACTERS if item.text else 0) for item in items]
    total = sum(sizes) or 1
    return ReadCall(call, items, [size / total for size in sizes])


def _items(call: Call) -> list[Item]:
    messages = read_messages(call.input)
    if not messages:
        return []
    tools = exact_json.encode(call.tools).decode() if call.tools else ""
    line = f"{len(call.tools)} tool definitions"
    return [Item("tools", tools, line), *(_item(message) for message in messages)]


def _item(message: Message) -> Item:
    text = "\n".join(_text(part) for part in message.parts)
    return Item(message.role, text, preview(text, limit=_LINE))


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
    return next((number for number, (item, its) in enumerate(pairs) if item != its), len(pairs))


def sent_before(call: ReadCall, other: ReadCall) -> float:
    """Return the share of a call's input, 0 to 1, that another call was sent as well."""
    known = set(other.items)
    return sum(share for item, share in zip(call.items, call.shares, strict=True) if item in known)


def avoidable_cost(call: Call, again: float) -> Decimal | None:
    """Return the dollars that caching all of what was sent before would have saved.

    ``again`` is the share of that in the input, 0 to 1. None: tokens or prices are not known.
    """
    if call.input_tokens is None or call.cache_read is None:
        return None
    if call.input_price is None or call.cache_read_price is None:
        return None
    uncached = max(round(again * call.input_tokens) - call.cache_read, 0)
    return uncached * max(call.input_price - call.cache_read_price, Decimal(0))
