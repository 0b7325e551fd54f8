"""A finding of a trace: a problem, or a highlight."""

from __future__ import annotations

from typing import Final

import msgspec

MAX_SPANS: Final = 20
"""Span ids of one finding; further spans are only counted."""

HIGHLIGHTS: Final = ("failed", "slowest", "dearest")
"""Kinds that most traces have: they are no issues."""
ISSUES: Final = ("schema", "cut", "retried", "repeated", "cache", "window", "resent")
"""Kinds that a trace is checked for; the last three compare the inputs of model calls."""


class Finding(msgspec.Struct, kw_only=True):
    """One kind of problem, with the spans that show it."""

    kind: str
    """One of `ISSUES` or `HIGHLIGHTS`."""
    title: str
    detail: str
    spans: list[str]
    """Span ids in time order, at most `MAX_SPANS`; of a failure the failed call first, then each
    span that passed the error on."""
    count: int
    """Number of spans, including those that `spans` leaves out."""
    times: int = 1
    """How many equal findings this one stands for."""
