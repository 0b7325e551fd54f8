"""Results of tools that are sent with every call though no later answer refers to them.

An answer refers to a result if it has a word of the result that none of the messages before the
result had: a name, a number, a path. This is an estimate: a result may matter without a word of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from tracer.analysis.context.calls import Item, ReadCall, read_message
from tracer.messages.conversation import read_messages

_LEAST_TOKENS: Final = 200
"""A smaller result is not worth a mention."""
_MOST: Final = 10
_MOST_CHARACTERS: Final = 100_000
"""Characters of one text that are searched for words."""
_WORD: Final = re.compile(r"[^\W_]{4,}")


class UnusedResult(msgspec.Struct, kw_only=True):
    """The result of a tool that no later answer refers to."""

    span_id: str
    """The call that was sent it first."""
    trace_id: str
    tool: str
    """What the message names as the tool; empty: nothing."""
    text: str
    """The beginning of the result, as one line."""
    tokens: int
    """About how many it has."""
    calls: int
    """How many calls were sent it."""

    @property
    def total_tokens(self) -> int:
        """The tokens of all times that it was sent."""
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
    """What the calls so far were sent."""

    words: dict[Item, frozenset[str]] = field(default_factory=dict)
    results: dict[Item, _Result] = field(default_factory=dict)

    def words_of(self, item: Item) -> frozenset[str]:
        known = self.words.get(item)
        if known is None:
            known = self.words[item] = _words(item.text)
        return known

    def add(self, read: ReadCall) -> None:
        """Take a call into account: its new results, and which results its answer refers to."""
        present = [item for item in read.items if item.role == "tool"]
        for item in present:
            if item not in self.results:
                self._add_result(read, item)
        answer = _answer_words(read)
        for item in set(present):
            result = self.results[item]
            result.calls += 1
            # A call without an answer might have used anything.
            if not result.used and (answer is None or not result.words.isdisjoint(answer)):
                result.used = True

    def _add_result(self, read: ReadCall, item: Item) -> None:
        number = read.items.index(item)
        tokens = round(read.shares[number] * (read.call.input_tokens or 0))
        words: frozenset[str] = frozenset()
        if tokens >= _LEAST_TOKENS:
            words = self.words_of(item).difference(
                *(self.words_of(other) for other in read.items[:number])
            )
        self.results[item] = _Result(read, item, tokens, words, used=not words)


def unused_results(calls: Sequence[ReadCall]) -> list[UnusedResult]:
    """Return the results of tools that no later answer refers to, those with most tokens first."""
    search = _Search()
    for call in calls:
        search.add(call)
    unused = [_unused(result) for result in search.results.values() if not result.used]
    return sorted(unused, key=lambda result: -result.total_tokens)[:_MOST]


def _unused(result: _Result) -> UnusedResult:
    return UnusedResult(
        span_id=result.first.call.span_id,
        trace_id=result.first.call.trace_id,
        tool=result.item.tool,
        text=result.item.line,
        tokens=result.tokens,
        calls=result.calls,
    )


def _answer_words(read: ReadCall) -> frozenset[str] | None:
    """Return the words of a call's answer, with the arguments of the tools that it calls."""
    messages = read_messages(read.call.output, output=True)
    if not messages:
        return _words(read.call.output) if isinstance(read.call.output, str) else None
    return _words(" ".join(item.text for item in map(read_message, messages)))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text[:_MOST_CHARACTERS].lower()))
