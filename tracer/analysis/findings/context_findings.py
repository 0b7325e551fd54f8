"""Findings about the input of model calls: broken caches, full windows, repeated results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tracer.analysis.context.calls import Item, shared_beginning
from tracer.analysis.context.misses import (
    MESSAGE_CHANGED,
    TOOLS_CHANGED,
    TOOLS_REORDERED,
    find_miss,
)
from tracer.analysis.context.totals import Compared
from tracer.analysis.findings.finding import MAX_SPANS, Finding

FULL_SHARE: Final = 0.8
"""Share of the model's context window from which on a call is reported."""
LARGE_RESULT: Final = 2_000
"""Tokens of a tool's result from which on it is reported, if many calls contain it."""
MANY_CALLS: Final = 10
"""A large result is reported if more calls than this contain it."""
MIN_UNCACHEABLE: Final = 1_024
"""Repeated tokens that can't be cached, from which on a call is reported."""
_REASONS: Final = {
    TOOLS_CHANGED: "The tool definitions change",
    TOOLS_REORDERED: "The tools change their order",
    MESSAGE_CHANGED: "An earlier message changes",
}


class FullCall(NamedTuple):
    """A call that fills much of its model's context window; ``share`` is 0 to 1, or more."""

    span_id: str
    model: str
    share: float


def full_windows(calls: Iterable[FullCall]) -> Iterator[Finding]:
    """Yield a finding for each model whose context window calls nearly fill."""
    by_model: dict[str, list[FullCall]] = defaultdict(list)
    for call in calls:
        by_model[call.model].append(call)
    for model, full in by_model.items():
        highest = max(call.share for call in full)
        count = f"{len(full):,} calls fill" if len(full) > 1 else "A call fills"
        yield Finding(
            kind="window",
            title=f"{count} more than {100 * FULL_SHARE:.0f} % of the context window of {model}",
            detail=f"At most {100 * highest:.0f} %: what follows is cut or refused at 100 %.",
            spans=[call.span_id for call in full][:MAX_SPANS],
            count=len(full),
        )


def broken_caches(calls: Iterable[Compared]) -> Iterator[Finding]:
    """Yield a finding for each message whose changes prevent caching of what follows."""
    calls_by_change: dict[tuple[str, str, int], list[tuple[str, int]]] = defaultdict(list)
    for compared in calls:
        lost, previous = _uncacheable_tokens(compared), compared.previous
        if previous is None or lost < MIN_UNCACHEABLE:
            continue
        miss = find_miss(compared.current, previous, words=False)
        if miss is not None and miss.reason in _REASONS:
            number = miss.number or 0
            role = compared.current.items[number].role
            calls_by_change[miss.reason, role, number].append((compared.current.call.span_id, lost))
    for (reason, role, number), missed in calls_by_change.items():
        subject = f"{_REASONS[reason]} from call to call"
        if number:
            subject = f"Message {number} ({role}) changes from call to call"
        tokens = sum(lost for _, lost in missed)
        affected = f"{len(missed):,} calls" if len(missed) > 1 else "a call"
        yield Finding(
            kind="cache",
            title=f"{subject}: no cache can hold what follows in {affected}",
            detail=f"About {tokens:,} tokens come after the change, and were sent before.",
            spans=[span_id for span_id, _ in missed][:MAX_SPANS],
            count=len(missed),
        )


def _uncacheable_tokens(compared: Compared) -> int:
    """Return the repeated tokens that come after the first difference.

    No cache can hold them, whether or not the provider reports cached tokens.
    """
    current, previous = compared.current, compared.previous
    if previous is None or current.call.input_tokens is None:
        return 0
    beginning = sum(current.shares[: shared_beginning(current, previous)])
    return round((compared.repeated_share - beginning) * current.call.input_tokens)


def repeated_results(calls: Iterable[Compared]) -> Iterator[Finding]:
    """Yield a finding for each large result of a tool that many calls contain."""
    spans_by_result: dict[Item, list[str]] = defaultdict(list)
    tokens_by_result: dict[Item, int] = {}
    for compared in calls:
        current = compared.current
        for item, share in dict(zip(current.items, current.shares, strict=True)).items():
            size = round(share * (current.call.input_tokens or 0))
            if item.role == "tool" and size >= LARGE_RESULT:
                spans_by_result[item].append(current.call.span_id)
                tokens_by_result.setdefault(item, size)
    for item, spans in spans_by_result.items():
        if len(spans) > MANY_CALLS:
            name, size = item.tool or "a tool", tokens_by_result[item]
            yield Finding(
                kind="resent",
                title=f"A result of {name} with about {size:,} tokens was sent in"
                f" {len(spans):,} calls",
                detail=f"About {size * len(spans):,} input tokens: {item.line}",
                spans=spans[:MAX_SPANS],
                count=len(spans),
            )
