"""A finding of a trace: a problem, or what stands out."""

from __future__ import annotations

from typing import Final

import msgspec

MOST_SPANS: Final = 20
"""Span ids of one finding, at most; further spans are only counted."""


class Finding(msgspec.Struct, kw_only=True):
    """One kind of problem, with the spans that show it."""

    kind: str
    """repeated, retried, cut or schema; of what calls are sent cache, window or resent; of a
    highlight failed, slowest or dearest."""
    title: str
    detail: str
    spans: list[str]
    """Span ids in time order, at most `MOST_SPANS`; of a failure the failed call first, then each
    span that passed the error on."""
    count: int
    """Number of spans, including those that `spans` leaves out."""
    times: int = 1
    """How many equal findings this one stands for."""
