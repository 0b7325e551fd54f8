"""What a model call was sent again, what was new, and why the provider's cache missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tracer.analysis.context.calls import (
    Call,
    CallReader,
    ReadCall,
    closest,
    repeated_costs,
    sent_before,
    shared_beginning,
)
from tracer.analysis.context.misses import TOLERANCE, Miss, find_miss

CACHED: Final = "cached"
"""Sent before and, by the number of cached tokens, read from the cache."""
KNOWN: Final = "known"
"""Sent before, but not read from the cache."""
CHANGED: Final = "changed"
"""In the place of a message that was sent before, with another text."""
NEW: Final = "new"
STATES: Final = (CACHED, KNOWN, CHANGED, NEW)


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


def compare(call: Call, earlier: Sequence[Call]) -> Context | None:
    """Compare a call with the `closest` of earlier calls; None: there is none."""
    reader = CallReader()
    now = reader.read(call)
    before = closest(now, [reader.read(other) for other in earlier])
    if before is None:
        return None
    again = sent_before(now, before)
    costs = repeated_costs(call, again)
    messages = _messages(now, before)
    return Context(
        previous_id=before.call.span_id,
        previous_name=before.call.name,
        messages=messages,
        input_tokens=call.input_tokens,
        sent_before=None if call.input_tokens is None else round(again * call.input_tokens),
        sent_before_share=again * 100,
        cache_read=call.cache_read,
        tokens={} if call.input_tokens is None else _tokens_by_state(messages),
        miss=find_miss(now, before),
        avoidable_cost=costs.avoidable if costs else None,
    )


def _messages(now: ReadCall, before: ReadCall) -> list[ContextMessage]:
    tokens = now.call.input_tokens
    messages = [
        ContextMessage(
            number=number,
            role=item.role,
            text=item.line,
            state=state,
            tokens=None if tokens is None else round(share * tokens),
            share=share * 100,
        )
        for number, (item, share, state) in enumerate(
            zip(now.items, now.shares, _states(now, before), strict=True)
        )
    ]
    return messages if now.call.tools else messages[1:]


def _states(now: ReadCall, before: ReadCall) -> Iterator[str]:
    """Yield the state of each item."""
    cached, known = _cached_items(now, before), set(before.items)
    for number, item in enumerate(now.items):
        if number < cached:
            yield CACHED
        elif item in known:
            yield KNOWN
        elif number < len(before.items) and before.items[number].role == item.role:
            yield CHANGED
        else:
            yield NEW


def _cached_items(now: ReadCall, before: ReadCall) -> int:
    """Return how many items at the beginning were read from the cache."""
    if not now.call.cache_read or not now.call.input_tokens:
        return 0
    # The estimate of a message's tokens is inexact, and providers cache whole blocks of tokens.
    limit = now.call.cache_read / now.call.input_tokens / TOLERANCE
    total, count = 0.0, 0
    for share in now.shares[: shared_beginning(now, before)]:
        total += share
        if total > limit:
            break
        count += 1
    return count


def _tokens_by_state(messages: list[ContextMessage]) -> dict[str, int]:
    return {
        state: sum(message.tokens or 0 for message in messages if message.state == state)
        for state in STATES
    }
