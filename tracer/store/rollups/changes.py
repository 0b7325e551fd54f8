"""Encodes the changes of a transaction to a project's rollups as bytes, and adds them up. Pure.

The bytes hold the values of the changed traces and spans, not sums: clients wait for the
transaction, and summing would take several times as long as encoding.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

import msgspec

from tracer.merging.figures import Figures
from tracer.store.rollups.sums import MinuteSums, SpanFigures, add_spans, add_trace

MAX_PENDING: Final = 1_000
"""Readers add up to this many transactions that the worker has not added to the rollups yet."""
_LEVEL: Final = 1
"""Of zlib: the rows then take a fifth, and PostgreSQL stores them without a table of its own."""


class RawChanges:
    """Traces and spans of one project to add to its sums, or to subtract."""

    def __init__(self) -> None:
        """Start without changes."""
        self.traces: list[tuple[int, Figures]] = []
        self.spans: list[tuple[str, int, list[SpanFigures]]] = []

    def add_trace(self, figures: Figures, sign: int) -> None:
        """Add the figures of a trace; sign -1: subtract them."""
        self.traces.append((sign, figures))

    def add_spans(self, environment: str, spans: Iterable[SpanFigures], sign: int) -> None:
        """Add spans of a trace of this environment; sign -1: subtract them."""
        rows = list(spans)
        if rows:
            self.spans.append((environment, sign, rows))

    def encoded(self) -> bytes | None:
        """Return the column `rollup_changes.records`; None: there are no changes."""
        if not self.traces and not self.spans:
            return None
        return zlib.compress(_encoder.encode((self.traces, self.spans)), _LEVEL)


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(
    tuple[list[tuple[int, Figures]], list[tuple[str, int, list[SpanFigures]]]]
)
_traces_decoder: Final = msgspec.msgpack.Decoder(tuple[list[tuple[int, Figures]], msgspec.Raw])


def changed_traces(records: bytes) -> list[Figures]:
    """Return the figures of the traces that are added or subtracted, without decoding spans."""
    return [figures for _, figures in _traces_decoder.decode(zlib.decompress(records))[0]]


def add_changes(minute_sums: MinuteSums, records: bytes) -> None:
    """Add what `RawChanges.encoded` returned to the sums of its project."""
    traces, spans = _decoder.decode(zlib.decompress(records))
    for sign, figures in traces:
        add_trace(minute_sums, figures, sign)
    for environment, sign, rows in spans:
        add_spans(minute_sums, environment, rows, sign)
