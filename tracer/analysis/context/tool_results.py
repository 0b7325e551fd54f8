"""Finds tool results that stay in the input although no later response refers to them.

A response refers to a result if it has a word of the result that none of the messages before the
result had: a name, a index, a path. This is an estimate: a result may matter without a word of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from tracer.analysis.context.calls import Item, ReadCall, read_message
from tracer.messages.conversation import read_messages

_MIN_TOKENS: Final = 200
"""Smaller results are not reported."""
_MAX_RESULTS: Final = 10
_MAX_CHARACTERS: Final = 100_000
"""Characters of one text that are searched for words."""
_WORD: Final = re.compile(r"[^\W_]{4,}")


class UnusedResult(msgspec.Struct, kw_only=True):
    """The result of a tool that no later response refers to."""

    span_id: str
    """The first call whose input contains the result."""
    trace_id: str
    tool: str
    """The name of the tool; empty: unknown."""
    text: str
    """The beginning of the result, as one line."""
    tokens: int
    """An estimate."""
    calls: int
    """Number of calls whose input contains the result."""

    @property
    def total_tokens(self) -> int:
        """Its tokens in the input of all calls."""
        return self.tokens * self.calls


@dataclass(slots=True)
class _Result:
    first: ReadCall
    item: Item
    tokens: int
    words: frozenset[str]
    calls: int = 0
    used: bool = False


@dataclass(slots=True)
class _Search:
    """The tool results in the calls so far, and the words of all messages."""

    words: dict[Item, frozenset[str]] = field(default_factory=dict)
    results: dict[Item, _Result] = field(default_factory=dict)
    beginning: list[Item] = field(default_factory=list)
    """The items whose words are in `known`: calls repeat the history of the call before."""
    known: set[str] = field(default_factory=set)

    def words_of(self, item: Item) -> frozenset[str]:
        cached = self.words.get(item)
        if cached is None:
            cached = self.words[item] = _words(item.text)
        return cached

    def add(self, read: ReadCall) -> None:
        """Add the new results of a call, and mark those that its response refers to as used."""
        present = [item for item in read.items if item.role == "tool"]
        for item in present:
            if item not in self.results:
                self._add_result(read, item)
        response_words = _response_words(read)
        for item in set(present):
            result = self.results[item]
            result.calls += 1
            # A call without a recorded response may have used any result.
            if not result.used and (
                response_words is None or not result.words.isdisjoint(response_words)
            ):
                result.used = True

    def _add_result(self, read: ReadCall, item: Item) -> None:
        index = read.items.index(item)
        tokens = round(read.shares[index] * (read.call.input_tokens or 0))
        words: frozenset[str] = frozenset()
        if tokens >= _MIN_TOKENS:
            words = self.words_of(item) - self._words_before(read.items[:index])
        self.results[item] = _Result(read, item, tokens, words, used=not words)

    def _words_before(self, items: list[Item]) -> set[str]:
        """Return the words of the items, which begin with those of the call before."""
        length = len(self.beginning)
        if items[:length] != self.beginning:
            length, self.known = 0, set()
        for item in items[length:]:
            self.known |= self.words_of(item)
        self.beginning = items
        return self.known


def unused_results(calls: Sequence[ReadCall]) -> list[UnusedResult]:
    """Return the tool results that no later response refers to, those with most tokens first."""
    search = _Search()
    for call in calls:
        search.add(call)
    unused = [_unused(result) for result in search.results.values() if not result.used]
    return sorted(unused, key=lambda result: -result.total_tokens)[:_MAX_RESULTS]


def _unused(result: _Result) -> UnusedResult:
    return UnusedResult(
        span_id=result.first.call.span_id,
        trace_id=result.first.call.trace_id,
        tool=result.item.tool,
        text=result.item.line,
        tokens=result.tokens,
        calls=result.calls,
    )


def _response_words(read: ReadCall) -> frozenset[str] | None:
    """Return the words of a call's response, with the arguments of its tool calls."""
    messages = read_messages(read.call.output, output=True)
    if not messages:
        return _words(read.call.output) if isinstance(read.call.output, str) else None
    return _words(" ".join(item.text for item in map(read_message, messages)))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text[:_MAX_CHARACTERS].lower()))
