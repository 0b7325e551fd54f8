"""What a model call was sent again, what was new, and why the provider's cache missed.

A provider caches the beginning of a request: tool definitions, then messages, up to the first
difference. Tokens of one message are an estimate: the input tokens of the call, shared out by the
length of the messages' JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tracer import exact_json
from tracer.analysis.word_diff import Piece, first_difference, word_diff
from tracer.messages.conversation import Message, read_messages
from tracer.messages.parts import Part
from tracer.messages.previews import preview
from tracer.records import Json

CACHED: Final = "cached"
"""Sent before and, by the number of cached tokens, read from the cache."""
KNOWN: Final = "known"
"""Sent before, but not read from the cache."""
CHANGED: Final = "changed"
"""In the place of a message that was sent before, with another text."""
NEW: Final = "new"
STATES: Final = (CACHED, KNOWN, CHANGED, NEW)

TOOLS_CHANGED: Final = "tools_changed"
TOOLS_REORDERED: Final = "tools_reordered"
MESSAGE_CHANGED: Final = "message_changed"
COMPACTED: Final = "compacted"
EXPIRED: Final = "expired"
UNKNOWN: Final = "unknown"
"""All that was sent before is unchanged, and the call came soon."""

_LINE: Final = 160
"""Characters of a message's line."""
_LIFETIME: Final = timedelta(minutes=5)
"""How long providers keep a cached beginning at least."""
_LEAST_CACHED: Final = 1_024
"""Tokens of the shortest beginning that providers cache."""
_TOLERANCE: Final = 0.9
"""Share of the unchanged beginning from which on the cache did not miss."""
_COMPACTED: Final = 0.7
"""Share of the earlier call's length below which a changed conversation was compacted."""


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


class ContextMessage(msgspec.Struct, kw_only=True):
    """One message of the input."""

    number: int
    """From 1 on; 0: the definitions of tools."""
    role: str
    text: str
    """One line."""
    state: str
    tokens: int | None
    share: float
    """Of the input, in percent."""


class Miss(msgspec.Struct, kw_only=True):
    """Why the cache did not hold all of the unchanged beginning."""

    reason: str
    number: int | None = None
    """The first message that differs."""
    character: int | None = None
    """The place of the first difference in that message's text, from 0 on."""
    difference: list[Piece] = []
    minutes: float | None = None
    """Time between the starts of the two calls."""


class Context(msgspec.Struct, kw_only=True):
    """The input of a model call, compared with an earlier call."""

    previous_id: str
    previous_name: str
    messages: list[ContextMessage]
    input_tokens: int | None
    sent_before: int | None
    """Tokens of messages that the earlier call was sent as well."""
    sent_before_share: float
    """Of the input, in percent."""
    cache_read: int | None
    tokens: dict[str, int]
    """Tokens by state; empty where the call reports none."""
    miss: Miss | None
    """None: the cache held what it could, or the provider reports no cached tokens."""
    avoidable_cost: Decimal | None
    """Dollars that the call would have saved had all unchanged beginnings been cached."""


class Item(msgspec.Struct, frozen=True):
    """The tool definitions or one message of an input; ``line`` is its beginning as one line."""

    role: str
    text: str
    line: str


class ReadCall(msgspec.Struct):
    """A call with its input as messages."""

    call: Call
    items: list[Item]
    """The tool definitions, then the messages; empty: the input holds none."""


def read_call(call: Call) -> ReadCall:
    """Read the messages of a call."""
    return ReadCall(call, _items(call))


def closest(call: ReadCall, earlier: Sequence[ReadCall]) -> ReadCall | None:
    """Return that of ``earlier`` calls which shares the longest beginning with a call.

    Of equally long ones the last counts. None: there is none, or no messages were sent.
    """
    candidates = [other for other in earlier if other.items]
    if not call.items or not candidates:
        return None

    def rank(other: ReadCall) -> tuple[int, datetime]:
        shared = call.items[: _shared(call.items, other.items)]
        return sum(len(item.text) for item in shared), other.call.start_time

    return max(candidates, key=rank)


def sent_before(call: ReadCall, other: ReadCall) -> float:
    """Return the share of a call's input, 0 to 1, that another call was sent as well."""
    known = set(other.items)
    shares = _shares(call.items)
    return sum(share for item, share in zip(call.items, shares, strict=True) if item in known)


def compare(call: Call, earlier: Sequence[Call]) -> Context | None:
    """Compare a call with the `closest` of earlier calls; None: there is none."""
    read = read_call(call)
    closest_call = closest(read, [read_call(other) for other in earlier])
    if closest_call is None:
        return None
    items, other, before = read.items, closest_call.call, closest_call.items
    equal = _shared(items, before)
    shares = _shares(items)
    cached = _cached_items(shares, equal, call)
    known = {(item.role, item.text) for item in before}
    messages = [
        ContextMessage(
            number=number,
            role=item.role,
            text=item.line,
            state=_state(number, item, before, equal, cached, known),
            tokens=None if call.input_tokens is None else round(share * call.input_tokens),
            share=share * 100,
        )
        for number, (item, share) in enumerate(zip(items, shares, strict=True))
    ]
    if items[0].role == "tools" and not call.tools:
        messages = messages[1:]
    return _context(call, other, items, before, equal, messages)


def _context(
    call: Call,
    other: Call,
    items: list[Item],
    before: list[Item],
    equal: int,
    messages: list[ContextMessage],
) -> Context:
    again = sum(m.share for m in messages if m.state in (CACHED, KNOWN))
    tokens: dict[str, int] = {}
    if call.input_tokens is not None:
        for state in STATES:
            tokens[state] = sum(m.tokens or 0 for m in messages if m.state == state)
    miss = _miss(call, other, items, before, equal)
    return Context(
        previous_id=other.span_id,
        previous_name=other.name,
        messages=messages,
        input_tokens=call.input_tokens,
        sent_before=None if call.input_tokens is None else round(again / 100 * call.input_tokens),
        sent_before_share=again,
        cache_read=call.cache_read,
        tokens=tokens,
        miss=miss,
        avoidable_cost=avoidable_cost(call, again / 100),
    )


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


def _items(call: Call) -> list[Item]:
    """Return the tool definitions as item 0, then the messages."""
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


def _shared(items: Sequence[Item], before: Sequence[Item]) -> int:
    """Return how many items both have at their beginning."""
    pairs = enumerate(zip(items, before, strict=False))
    return next(
        (number for number, (item, other) in pairs if item != other), min(len(items), len(before))
    )


def _shares(items: Sequence[Item]) -> list[float]:
    # Each message costs a few tokens besides its text.
    sizes = [len(item.text) + (16 if item.text else 0) for item in items]
    total = sum(sizes) or 1
    return [size / total for size in sizes]


def _cached_items(shares: Sequence[float], equal: int, call: Call) -> int:
    """Return how many items at the beginning were read from the cache."""
    if not call.cache_read or not call.input_tokens:
        return 0
    # The estimate of a message's tokens is inexact, and providers cache whole blocks of tokens.
    limit = call.cache_read / call.input_tokens / _TOLERANCE
    total, count = 0.0, 0
    for share in shares[:equal]:
        total += share
        if total > limit:
            break
        count += 1
    return count


def _state(
    number: int,
    item: Item,
    before: Sequence[Item],
    equal: int,
    cached: int,
    known: set[tuple[str, str]],
) -> str:
    if number < cached:
        return CACHED
    if number < equal or (item.role, item.text) in known:
        return KNOWN
    in_place = number < len(before) and before[number].role == item.role
    return CHANGED if in_place else NEW


def _miss(
    call: Call, other: Call, items: list[Item], before: list[Item], equal: int
) -> Miss | None:
    if call.cache_read is None or call.input_tokens is None:
        return None
    shares = _shares(items)
    repeated = sum(shares[: max(equal, 1)]) if equal else 0.0
    possible = min(len(before), len(items))
    apart = (call.start_time - other.start_time) / timedelta(minutes=1)
    if equal < possible:
        return _first_change(call, other, items, before, equal, apart)
    unchanged = repeated * call.input_tokens
    if unchanged < _LEAST_CACHED or call.cache_read >= unchanged * _TOLERANCE:
        return None
    reason = EXPIRED if apart * timedelta(minutes=1) > _LIFETIME else UNKNOWN
    return Miss(reason=reason, minutes=apart)


def _first_change(
    call: Call,
    other: Call,
    items: list[Item],
    before: list[Item],
    equal: int,
    apart: float,
) -> Miss:
    old, new = before[equal], items[equal]
    reason = MESSAGE_CHANGED
    if equal == 0:
        reason = TOOLS_REORDERED if _reordered(call.tools, other.tools) else TOOLS_CHANGED
    elif sum(len(i.text) for i in items) < _COMPACTED * sum(len(i.text) for i in before):
        reason = COMPACTED
    return Miss(
        reason=reason,
        number=equal,
        character=first_difference(old.text, new.text),
        difference=[] if reason == TOOLS_REORDERED else word_diff(old.text, new.text),
        minutes=apart,
    )


def _reordered(tools: list[Json], others: list[Json]) -> bool:
    def encoded(values: list[Json]) -> list[bytes]:
        return sorted(exact_json.encode_sorted(value) for value in values)

    return encoded(tools) == encoded(others)
