"""A finding of a trace: a problem, or a highlight."""

from __future__ import annotations

from typing import Final

import msgspec

MAX_SPANS: Final = 20
"""Greatest number of span ids in one finding; further spans are only counted."""


class Finding(msgspec.Struct, kw_only=True):
    """One kind of problem, with the spans that show it."""

    kind: str
    """repeated, retried, cut or schema; of what calls are sent cache, window or resent; of a
    highlight failed, slowest or dearest."""
    title: str
    detail: str
    spans: list[str]
    """Span ids in time order, at most `MAX_SPANS`; of a failure the failed call first, then each
    span that passed the error on."""
    count: int
    """Number of spans, including those that `spans` leaves out."""
    times: int = 1
    """How many equal findings this one stands for."""
