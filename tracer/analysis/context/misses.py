"""Why a provider's cache did not hold all of a call's unchanged beginning."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from tracer import exact_json
from tracer.analysis.context.calls import SHORTENED, ReadCall, shared_beginning
from tracer.analysis.word_diff import Piece, first_difference, word_diff
from tracer.records import Json

TOOLS_CHANGED: Final = "tools_changed"
TOOLS_REORDERED: Final = "tools_reordered"
MESSAGE_CHANGED: Final = "message_changed"
COMPACTED: Final = "compacted"
EXPIRED: Final = "expired"
UNKNOWN: Final = "unknown"
"""All that was sent before is unchanged, and the call came soon."""

TOLERANCE: Final = 0.9
"""Share of the unchanged beginning from which on the cache did not miss."""
_LIFETIME: Final = timedelta(minutes=5)
"""How long providers keep a cached beginning at least."""
_LEAST_CACHED: Final = 1_024
"""Tokens of the shortest beginning that providers cache."""


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


def find_miss(now: ReadCall, before: ReadCall, *, words: bool = True) -> Miss | None:
    """Return why the cache missed; None: it did not, or too little is known.

    ``words``: with the words that differ. A changed beginning is a reason also where the provider
    reports no cached tokens.
    """
    call = now.call
    if call.input_tokens is None:
        return None
    apart = call.start_time - before.call.start_time
    equal = shared_beginning(now, before)
    if equal < min(len(now.items), len(before.items)):
        return _first_change(now, before, equal, apart, words=words)
    if call.cache_read is None:
        return None
    unchanged = sum(now.shares[:equal]) * call.input_tokens
    if unchanged < _LEAST_CACHED or call.cache_read >= unchanged * TOLERANCE:
        return None
    return Miss(reason=EXPIRED if apart > _LIFETIME else UNKNOWN, minutes=_minutes(apart))


def _first_change(
    now: ReadCall, before: ReadCall, number: int, apart: timedelta, *, words: bool
) -> Miss:
    reason = _reason(now, before, number)
    old, new = before.items[number].text, now.items[number].text
    return Miss(
        reason=reason,
        number=number,
        character=first_difference(old, new),
        difference=word_diff(old, new) if words and reason != TOOLS_REORDERED else [],
        minutes=_minutes(apart),
    )


def _reason(now: ReadCall, before: ReadCall, number: int) -> str:
    if number == 0:
        same = _in_any_order(now.call.tools) == _in_any_order(before.call.tools)
        return TOOLS_REORDERED if same else TOOLS_CHANGED
    return COMPACTED if _length(now) < SHORTENED * _length(before) else MESSAGE_CHANGED


def _in_any_order(tools: list[Json]) -> list[bytes]:
    return sorted(exact_json.encode_sorted(tool) for tool in tools)


def _length(call: ReadCall) -> int:
    return sum(len(item.text) for item in call.items)


def _minutes(time: timedelta) -> float:
    return time / timedelta(minutes=1)
