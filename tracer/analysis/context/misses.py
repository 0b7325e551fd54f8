"""Explains why a provider's cache did not have all of a call's unchanged beginning."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from tracer import exact_json
from tracer.analysis.context.calls import COMPACTED_SHARE, ReadCall, shared_beginning
from tracer.analysis.word_diff import Piece, first_difference, word_diff
from tracer.records import Json

TOOLS_CHANGED: Final = "tools_changed"
TOOLS_REORDERED: Final = "tools_reordered"
MESSAGE_CHANGED: Final = "message_changed"
COMPACTED: Final = "compacted"
EXPIRED: Final = "expired"
UNKNOWN: Final = "unknown"
"""The earlier input is unchanged, and the call came within the lifetime of the cache."""

TOLERANCE: Final = 0.9
"""Share of the unchanged beginning from which on the cache did not miss."""
_LIFETIME: Final = timedelta(minutes=5)
"""The shortest time for which providers keep a cached beginning."""
_MIN_CACHED_TOKENS: Final = 1_024
"""Tokens of the shortest beginning that providers cache."""


class Miss(msgspec.Struct, kw_only=True):
    """Why the cache did not have all of the unchanged beginning."""

    reason: str
    number: int | None = None
    """Index of the first message that differs; 0: the tool definitions."""
    character: int | None = None
    """Index of the first character that differs in that message's text."""
    difference: list[Piece] = []
    minutes: float | None = None
    """Time between the starts of the two calls."""


def find_miss(current: ReadCall, previous: ReadCall, *, words: bool = True) -> Miss | None:
    """Return why the cache missed; None: it did not, or too little is known.

    ``words``: with the words that differ. A changed beginning is a reason also where the provider
    reports no cached tokens.
    """
    call = current.call
    if call.input_tokens is None:
        return None
    elapsed = call.start_time - previous.call.start_time
    equal = shared_beginning(current, previous)
    if equal < min(len(current.items), len(previous.items)):
        return _first_change(current, previous, equal, elapsed, words=words)
    if call.cache_read is None:
        return None
    unchanged = sum(current.shares[:equal]) * call.input_tokens
    if unchanged < _MIN_CACHED_TOKENS or call.cache_read >= unchanged * TOLERANCE:
        return None
    return Miss(reason=EXPIRED if elapsed > _LIFETIME else UNKNOWN, minutes=_minutes(elapsed))


def _first_change(
    current: ReadCall, previous: ReadCall, index: int, elapsed: timedelta, *, words: bool
) -> Miss:
    reason = _reason(current, previous, index)
    old, new = previous.items[index].text, current.items[index].text
    return Miss(
        reason=reason,
        number=index,
        character=first_difference(old, new),
        difference=word_diff(old, new) if words and reason != TOOLS_REORDERED else [],
        minutes=_minutes(elapsed),
    )


def _reason(current: ReadCall, previous: ReadCall, index: int) -> str:
    if index == 0:
        same = _sorted_json(current.call.tools) == _sorted_json(previous.call.tools)
        return TOOLS_REORDERED if same else TOOLS_CHANGED
    return COMPACTED if _length(current) < COMPACTED_SHARE * _length(previous) else MESSAGE_CHANGED


def _sorted_json(tools: list[Json]) -> list[bytes]:
    return sorted(exact_json.encode_sorted(tool) for tool in tools)


def _length(call: ReadCall) -> int:
    return sum(len(item.text) for item in call.items)


def _minutes(time: timedelta) -> float:
    return time / timedelta(minutes=1)
