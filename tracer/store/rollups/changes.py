"""Pure: what a transaction changes in the sums of a project, as the bytes that it appends.

The values of the changed traces and spans as they are: summing them here would take several times
as long as writing them down, in the transaction for which clients wait.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

import msgspec

from tracer.merging.figures import Figures
from tracer.store.rollups.sums import Deltas, SpanFigures, add_spans, add_trace

MOST_PENDING: Final = 1_000
"""Transactions up to whose number readers add what the worker has not added yet."""
_LEVEL: Final = 1
"""Of zlib: the rows then take a fifth, and PostgreSQL stores them without a table of its own."""


class Changes:
    """Traces and spans of one project that are added to its sums, or taken away."""

    def __init__(self) -> None:
        """Start without any."""
        self.traces: list[tuple[int, Figures]] = []
        self.spans: list[tuple[str, int, list[SpanFigures]]] = []

    def add_trace(self, figures: Figures, sign: int) -> None:
        """Add the figures of a trace, or take them away with sign -1."""
        self.traces.append((sign, figures))

    def add_spans(self, environment: str, spans: Iterable[SpanFigures], sign: int) -> None:
        """Add spans of a trace of this environment, or take them away with sign -1."""
        rows = list(spans)
        if rows:
            self.spans.append((environment, sign, rows))

    def encoded(self) -> bytes | None:
        """Return the column `rollup_changes.records`; None: nothing changes."""
        if not self.traces and not self.spans:
            return None
        return zlib.compress(_encoder.encode((self.traces, self.spans)), _LEVEL)


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(
    tuple[list[tuple[int, Figures]], list[tuple[str, int, list[SpanFigures]]]]
)
_traces_decoder: Final = msgspec.msgpack.Decoder(tuple[list[tuple[int, Figures]], msgspec.Raw])


def changed_traces(records: bytes) -> list[Figures]:
    """Return the figures of the traces that are added or taken away, without those of spans."""
    return [figures for _, figures in _traces_decoder.decode(zlib.decompress(records))[0]]


def add_changes(deltas: Deltas, records: bytes) -> None:
    """Add what `Changes.encoded` returned to the sums of its project."""
    traces, spans = _decoder.decode(zlib.decompress(records))
    for sign, figures in traces:
        add_trace(deltas, figures, sign)
    for environment, sign, rows in spans:
        add_spans(deltas, environment, rows, sign)
