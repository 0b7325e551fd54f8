"""Batches: many items in one request and one transaction, with a result for each."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from tracer.errors import ItemError
from tracer.ingestion.writing import store
from tracer.web.problems import FieldError, field_errors
from tracer.web.refusals import note_refusal
from tracer.wire.native.batch import DecodedBatch, Result


class ItemResult(msgspec.Struct, kw_only=True):
    """The result of one item."""

    item: Annotated[str, Meta(description="its position in the request, such as spans[3]")]
    status: Annotated[int, Meta(description="201 stored, 400 invalid, 422 can't be stored")]
    id: str | None
    trace_id: str | None
    errors: list[FieldError]


class BatchResults(msgspec.Struct, kw_only=True):
    """One result per item: traces first, then spans, then scores."""

    accepted: int
    refused: int
    results: list[ItemResult]


def store_batch(decoded: DecodedBatch) -> BatchResults:
    """Commit the valid items of a batch, and return the result of each item."""
    unstorable: dict[int, ItemError] = {}
    for rejected in store(decoded.batch):
        position = decoded.places[rejected.kind, rejected.index]
        item = decoded.results[position].item
        unstorable[position] = ItemError(item=item, field="", reason=rejected.reason)
    results = [_result(result, unstorable.get(i)) for i, result in enumerate(decoded.results)]
    refused = next((result for result in results if result.errors), None)
    if refused:
        error = refused.errors[0]
        note_refusal(": ".join(filter(None, (refused.item, error.field, error.expected))))
    accepted = sum(result.status == 201 for result in results)
    return BatchResults(accepted=accepted, refused=len(results) - accepted, results=results)


def _result(result: Result, unstorable: ItemError | None) -> ItemResult:
    status = 400 if result.item_errors else 422 if unstorable else 201
    item_errors = result.item_errors or ([unstorable] if unstorable else [])
    return ItemResult(
        item=result.item,
        status=status,
        id=result.id,
        trace_id=result.trace_id,
        errors=field_errors(item_errors),
    )
