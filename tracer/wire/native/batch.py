"""A batch of the JSON API: items are read one by one, so that only invalid ones are rejected."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field

from tracer.errors import ItemError, Refused, TooLarge
from tracer.records import Batch, Json
from tracer.wire.native.records import score_record, span_record, trace_record
from tracer.wire.native.requests import (
    MAX_ITEMS,
    BatchEnvelope,
    BatchSpan,
    ScoreCreate,
    TraceCreate,
)
from tracer.wire.reading import printable, read_item, read_json
from tracer.wire.request_context import RequestContext


@dataclass(kw_only=True)
class Result:
    """The result of one item of a batch: its index, and its id or the reason of its rejection."""

    item: str
    id: str | None = None
    trace_id: str | None = None
    item_errors: list[ItemError] = field(default_factory=list)


class DecodedBatch:
    """The records of a batch and a result per item; ``places`` has the result of each record."""

    def __init__(self, context: RequestContext) -> None:
        self.batch = Batch()
        self.results: list[Result] = []
        self.places: dict[tuple[str, int], int] = {}
        """(list of the batch, index in it) to the index within ``results``."""
        self._context = context
        self._repeats: Counter[tuple[str, str]] = Counter()

    def take(self, name: str, index: int, value: Json) -> None:
        """Add the record, or the rejection, of one item of the list ``name``."""
        result = Result(item=f"{name}[{index}]")
        read = {"traces": self._trace, "spans": self._span, "scores": self._score}[name]
        try:
            read(value, result)
            self.places[name, len(getattr(self.batch, name)) - 1] = len(self.results)
        except Refused as error:
            if isinstance(value, dict) and isinstance(value.get("id"), str):
                result.id = printable(value["id"])
            for refusal in error.item_errors:
                refusal.item = result.item
            result.item_errors = error.item_errors
        self.results.append(result)

    def _trace(self, value: Json, result: Result) -> None:
        sent = read_item(value, TraceCreate, result.item)
        result.id = sent.id or secrets.token_hex(16)
        self.batch.traces.append(trace_record(sent, result.id, self._context))

    def _span(self, value: Json, result: Result) -> None:
        sent = read_item(value, BatchSpan, result.item)
        span = span_record(sent, sent.trace_id, self._context)
        # The last of several records of a span counts, as between requests.
        key = span.trace_id, span.span_id
        span.version += self._repeats[key]
        self._repeats[key] += 1
        result.id, result.trace_id = span.span_id, span.trace_id
        self.batch.spans.append(span)

    def _score(self, value: Json, result: Result) -> None:
        score = score_record(read_item(value, ScoreCreate, result.item), self._context)
        result.id, result.trace_id = score.score_id, score.trace_id
        self.batch.scores.append(score)


def decode_batch(body: bytes, context: RequestContext) -> DecodedBatch:
    """Return the records of a batch request; invalid items are rejected one by one.

    Raises Invalid for a body that is no batch, TooLarge for too many items.
    """
    envelope = read_item(read_json(body), BatchEnvelope)
    count = len(envelope.traces) + len(envelope.spans) + len(envelope.scores)
    if count > MAX_ITEMS:
        raise TooLarge(f"expected at most {MAX_ITEMS} items, got {count}")
    decoded = DecodedBatch(context)
    for name in envelope.__struct_fields__:
        for index, value in enumerate(getattr(envelope, name)):
            decoded.take(name, index, value)
    return decoded
