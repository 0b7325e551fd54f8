"""Findings about what model calls are sent: broken caches, full windows, results sent again."""

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
from tracer.analysis.findings.finding import MOST_SPANS, Finding

FULL: Final = 0.8
"""Share of the model's context window from which on a call is reported."""
LARGE_RESULT: Final = 2_000
"""Tokens of a tool's result that is reported when many calls are sent it."""
MANY_CALLS: Final = 10
LEAST_LOST: Final = 1_024
"""Tokens that were sent before and can't be cached: fewer are not worth a mention."""
_REASONS: Final = {
    TOOLS_CHANGED: "The tool definitions change",
    TOOLS_REORDERED: "The tools change their order",
    MESSAGE_CHANGED: "An earlier message changes",
}


class Filled(NamedTuple):
    """A call that fills much of its model's context window; ``share`` is 0 to 1, or more."""

    span_id: str
    model: str
    share: float


def full_windows(calls: Iterable[Filled]) -> Iterator[Finding]:
    """Yield a finding for each model whose context window calls nearly fill."""
    by_model: dict[str, list[Filled]] = defaultdict(list)
    for call in calls:
        by_model[call.model].append(call)
    for model, full in by_model.items():
        most = max(call.share for call in full)
        count = f"{len(full):,} calls fill" if len(full) > 1 else "A call fills"
        yield Finding(
            kind="window",
            title=f"{count} more than {FULL:.0%} of the context window of {model}",
            detail=f"At most {most:.0%}: what follows is cut or refused at 100%.",
            spans=[call.span_id for call in full][:MOST_SPANS],
            count=len(full),
        )


def broken_caches(calls: Iterable[Compared]) -> Iterator[Finding]:
    """Yield a finding for each place whose changes kept what follows from being cached."""
    places: dict[tuple[str, str, int], list[tuple[str, int]]] = defaultdict(list)
    for compared in calls:
        lost, before = _lost(compared), compared.before
        if before is None or lost < LEAST_LOST:
            continue
        miss = find_miss(compared.now, before, words=False)
        if miss is not None and miss.reason in _REASONS:
            number = miss.number or 0
            role = compared.now.items[number].role
            places[miss.reason, role, number].append((compared.now.call.span_id, lost))
    for (reason, role, number), missed in places.items():
        words = f"{_REASONS[reason]} from call to call"
        if number:
            words = f"Message {number} ({role}) changes from call to call"
        tokens = sum(lost for _, lost in missed)
        again = f"{len(missed):,} calls" if len(missed) > 1 else "a call"
        yield Finding(
            kind="cache",
            title=f"{words}: no cache can hold what follows in {again}",
            detail=f"About {tokens:,} tokens come after the change, and were sent before.",
            spans=[span_id for span_id, _ in missed][:MOST_SPANS],
            count=len(missed),
        )


def _lost(compared: Compared) -> int:
    """Return the tokens that were sent before, and come after the first difference.

    No cache can hold them, whether or not the provider reports cached tokens.
    """
    now, before = compared.now, compared.before
    if before is None or now.call.input_tokens is None:
        return 0
    beginning = sum(now.shares[: shared_beginning(now, before)])
    return round((compared.again - beginning) * now.call.input_tokens)


def repeated_results(calls: Iterable[Compared]) -> Iterator[Finding]:
    """Yield a finding for each large result of a tool that many calls were sent."""
    sent: dict[Item, list[str]] = defaultdict(list)
    tokens: dict[Item, int] = {}
    for compared in calls:
        now = compared.now
        for item, share in dict(zip(now.items, now.shares, strict=True)).items():
            size = round(share * (now.call.input_tokens or 0))
            if item.role == "tool" and size >= LARGE_RESULT:
                sent[item].append(now.call.span_id)
                tokens.setdefault(item, size)
    for item, spans in sent.items():
        if len(spans) > MANY_CALLS:
            name, size = item.tool or "a tool", tokens[item]
            yield Finding(
                kind="resent",
                title=f"A result of {name} with about {size:,} tokens was sent in"
                f" {len(spans):,} calls",
                detail=f"About {size * len(spans):,} input tokens: {item.line}",
                spans=spans[:MOST_SPANS],
                count=len(spans),
            )
