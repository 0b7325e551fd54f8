"""Traces for the tests of analyses: drawn at random, or written out."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tracer.analysis.forest import Forest, SpanFacts
from tracer.records import LEVELS

KINDS = ("span", "generation", "tool")


def span_facts(span_id: str, parent: str | None = None, **fields: Any) -> SpanFacts:
    """Return a span from 0 to 1 µs, unless `fields` differ."""
    plain = {
        **{"start": 0, "end": 1, "kind": "span", "name": span_id, "level": "default"},
        **{"model": None, "tokens": None, "cost": None, "excluded": False, "placeholder": False},
    }
    return SpanFacts(span_id=span_id, parent_span_id=parent, **{**plain, **fields})


def forest_of(spans: Iterable[SpanFacts]) -> Forest:
    """Return the forest of spans that arrive in any order."""
    ordered = sorted(spans, key=lambda span: (span.start, span.span_id))
    return Forest.build(ordered)


@st.composite
def any_trace(draw: st.DrawFn, max_spans: int = 30) -> list[SpanFacts]:
    """Draw spans of one trace: several roots, orphans, equal times, wrong clocks, open ends."""
    rng = draw(st.randoms(use_true_random=False))
    ids = [f"s{n}" for n in range(draw(st.integers(1, max_spans)))]
    # Of any earlier one: no circles, but parents that start after their children.
    shuffled = rng.sample(ids, len(ids))
    return [_any_span(rng, span_id, shuffled[:n]) for n, span_id in enumerate(shuffled)]


def _any_span(rng: random.Random, span_id: str, above: list[str]) -> SpanFacts:
    parent = rng.choice([*above[-6:], None, "elsewhere"]) if above else None
    start = rng.randrange(12)
    tokens = rng.choice([None, None, 0, 7, 100])
    return span_facts(
        span_id,
        parent,
        start=start,
        # Also before its start, as happens where clocks differ.
        end=rng.choice([None, *[start + rng.randrange(-1, 10) for _ in range(9)]]),
        kind=rng.choice(KINDS),
        name=rng.choice("abc"),
        level=rng.choice(LEVELS),
        tokens=tokens,
        cost=rng.choice([None, Decimal("0.1"), Decimal("0.0000003")]),
        excluded=rng.random() < 0.2,
        placeholder=parent is None and rng.random() < 0.2,
    )
