"""Compares the input of a model call with an earlier call: repeated, new, and cached messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from tracer.analysis.context.calls import (
    Call,
    CallReader,
    InputCost,
    ReadCall,
    closest_call,
    input_costs,
    repeated_costs,
    repeated_share,
    shared_beginning,
    without_shorter,
)
from tracer.analysis.context.misses import TOLERANCE, Miss, find_miss

CACHED: Final = "cached"
"""Sent in the earlier call as well and, by the number of cached tokens, read from the cache."""
REPEATED: Final = "known"
"""Sent in the earlier call as well, but not read from the cache."""
CHANGED: Final = "changed"
"""At the position of an earlier message of the same role, with another text."""
NEW: Final = "new"
STATES: Final = (CACHED, REPEATED, CHANGED, NEW)


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
    """Tokens of the repeated messages."""
    sent_before_share: float
    """Of the input, in percent."""
    cache_read: int | None
    tokens: dict[str, int]
    """Tokens by state; empty where the call reports none."""
    miss: Miss | None
    """None: no miss, or the provider reports no cached tokens."""
    avoidable_cost: Decimal | None
    """Dollars that the call would have saved had all unchanged beginnings been cached."""
    input_costs: list[InputCost]
    """What each part of the input cost, in dollars; empty: a price is unknown."""


def compare(
    call: Call, earlier: Sequence[Call], reader: CallReader | None = None
) -> Context | None:
    """Compare a call with the `closest_call` of earlier calls; None: there is none.

    ``reader`` keeps the messages that were read.
    """
    reader = reader or CallReader()
    current = reader.read(call)
    candidates = without_shorter(call, earlier)
    previous = closest_call(current, [reader.read(other) for other in candidates])
    if previous is None:
        return None
    share = repeated_share(current, previous)
    costs = repeated_costs(call, share)
    messages = _messages(current, previous)
    return Context(
        previous_id=previous.call.span_id,
        previous_name=previous.call.name,
        messages=messages,
        input_tokens=call.input_tokens,
        sent_before=None if call.input_tokens is None else round(share * call.input_tokens),
        sent_before_share=share * 100,
        cache_read=call.cache_read,
        tokens={} if call.input_tokens is None else _tokens_by_state(messages),
        miss=find_miss(current, previous),
        avoidable_cost=costs.avoidable if costs else None,
        input_costs=input_costs(call, share),
    )


def _messages(current: ReadCall, previous: ReadCall) -> list[ContextMessage]:
    tokens = current.call.input_tokens
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
            zip(current.items, current.shares, _states(current, previous), strict=True)
        )
    ]
    return messages if current.call.tools else messages[1:]


def _states(current: ReadCall, previous: ReadCall) -> Iterator[str]:
    """Yield the state of each item."""
    cached_count, previous_items = _count_cached_items(current, previous), set(previous.items)
    for index, item in enumerate(current.items):
        if index < cached_count:
            yield CACHED
        elif item in previous_items:
            yield REPEATED
        elif index < len(previous.items) and previous.items[index].role == item.role:
            yield CHANGED
        else:
            yield NEW


def _count_cached_items(current: ReadCall, previous: ReadCall) -> int:
    """Return how many items at the beginning were read from the cache."""
    if not current.call.cache_read or not current.call.input_tokens:
        return 0
    # The estimate of a message's tokens is inexact, and providers cache whole blocks of tokens.
    limit = current.call.cache_read / current.call.input_tokens / TOLERANCE
    total, count = 0.0, 0
    for share in current.shares[: shared_beginning(current, previous)]:
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
