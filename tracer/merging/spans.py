"""Pure: merges the stored and the arriving records of a span, in any order.

A span is its highest-ranking full record with the patches applied. Records rank by
(finished, version, content), each patched field by (version, content): both are maxima, so
the result depends neither on the order of arrival nor on repeats.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from tracer import exact_json
from tracer.merging import deep, log_events
from tracer.pricing.price_book import GIVEN, PriceBook
from tracer.records import Json, SpanPatch, SpanRecord, decimals, is_within

FINISHED = 1 << 62
# Flags that the store sets, which are not part of the source's record.
OWN_FLAGS = frozenset({"self_parent", "cycle", "end_before_start", "first_token_outside"})

Cost = tuple[dict[str, Decimal], str | None, str | None]
"""Dollars by usage type, their source, and the list or price behind them."""

LIST_ALONE = PriceBook()
"""The price book of a project without prices."""

Patches = dict[str, tuple[int, Json]]
"""Field (or a part of the metadata, `merging.deep`) -> (version, value) of the latest patch."""


class Span(msgspec.Struct, kw_only=True, gc=False):
    """The new or the stored state of a span."""

    record: SpanRecord
    """With all patches applied; `parent_span_id` is the parent in the tree."""
    version: int | None = None
    """Precedence of its full record; None: only patches or children have arrived."""
    patch: Patches = {}
    hidden: dict[str, Json] = {}
    """Values of the full record that patches override."""
    filled: list[str] = []
    """Fields set by log events, because the full record has no value."""
    patched: bool = False
    awaited: bool = False
    """Only log events of it have arrived."""
    usage_excluded: bool = False
    """Of a span with usage: it repeats that of other spans and is excluded from totals, as
    `repeats` decides. Of a span without usage: a span below it has usage, which shows that its
    ancestors are marked as well. Stored in the column `covered`."""
    sent_parent_id: str | None = None
    """The sent parent if it can't be the parent in the tree."""

    @property
    def placeholder(self) -> bool:
        """Whether the span itself has not arrived."""
        return self.version is None and (self.awaited or not self.patched)


def precedence(record: SpanRecord) -> int:
    """Return the record's rank among those of its span: finished first, then by version."""
    return record.version | FINISHED if record.end_time is not None else record.version


def needs_payload(
    stored: Span, records: Iterable[SpanRecord], patches: Iterable[SpanPatch]
) -> bool:
    """Return whether merging these into `stored` needs the stored payload."""
    if stored.placeholder and not stored.patched:
        return False
    same = any(precedence(record) == stored.version for record in records)
    return stored.patched or same or any(True for _ in patches)


def merge(
    stored: Span | None,
    records: list[SpanRecord],
    patches: list[SpanPatch],
    child_start: int | None = None,
    book: PriceBook = LIST_ALONE,
) -> Span | None:
    """Return the new state of the span; None: nothing changed.

    `child_start` is the earliest start of its arriving children (µs): a span without
    other data begins there.
    """
    patch = merge_patches(stored.patch if stored else {}, patches)
    base = _base(stored, records)
    if base is None:
        return _baseless(stored, patches, patch, child_start, book)
    record, version = base
    kept = all(record is not arrived for arrived in records)
    if kept and stored and patch == stored.patch:
        return None
    return finish(record, version=version, patch=patch, book=book)


def _base(stored: Span | None, records: list[SpanRecord]) -> tuple[SpanRecord, int] | None:
    """Return the full record of the span and its precedence; None: there is none."""
    best = None
    if len(records) == 1:
        best = records[0], precedence(records[0])
    elif records:
        record = max(records, key=lambda item: (precedence(item), canonical(item)))
        best = record, precedence(record)
    if stored is None or stored.version is None:
        return best
    own = underneath(stored)
    if best is None or best[1] < stored.version:
        return own, stored.version
    if best[1] == stored.version and canonical(best[0]) <= canonical(own):
        return own, stored.version
    return best


def _baseless(
    stored: Span | None,
    patches: list[SpanPatch],
    patch: Patches,
    child_start: int | None,
    book: PriceBook,
) -> Span | None:
    known = stored.record if stored else patches[0]
    starts = [item.version for item in patches]
    starts += [] if child_start is None else [child_start]
    starts += [stored.record.start_time] if stored else []
    record = SpanRecord(trace_id=known.trace_id, span_id=known.span_id, start_time=min(starts))
    span = finish(record, version=None, patch=patch, book=book)
    if stored and patch == stored.patch and span.record.start_time == stored.record.start_time:
        return None
    return span


def placeholder(trace_id: str, span_id: str, start_time: int) -> Span:
    """Return a placeholder for a parent that has not arrived."""
    return Span(record=SpanRecord(trace_id=trace_id, span_id=span_id, start_time=start_time))


def merge_patches(present: Patches, patches: Iterable[SpanPatch]) -> Patches:
    """Return per field the patch of the highest (version, content)."""
    merged = present
    for item in patches:
        merged = dict(merged) if merged is present else merged
        for field, value in _flat(item):
            new = (item.version, value)
            old = merged.get(field)
            if old is None or _patch_rank(field, new) > _patch_rank(field, old):
                merged[field] = new
    if merged is not present and any("logs" in item.fields for item in patches):
        merged = log_events.within_limits(merged)
    return merged


def _flat(item: SpanPatch) -> Iterable[tuple[str, Json]]:
    for field, value in item.fields.items():
        if field == "metadata" and isinstance(value, dict):
            yield from deep.parts(value, deep=item.deep, removing=True)
        elif field == "logs":
            yield from ((log_events.PREFIX + key, event) for key, event in value.items())
        else:
            yield field, value


def _patch_rank(field: str, entry: tuple[int, Json]) -> tuple[int, int, bytes]:
    version, value = entry
    # Events of one nanosecond keep the order of the first request if they are sent again.
    position = value["position"] if field.startswith(log_events.PREFIX) else 0
    return version, -position, exact_json.encode_deterministic(value)


def overlay(record: SpanRecord, patch: Patches) -> SpanRecord:
    """Return the record with the patched fields; a patched None clears the field."""
    if not patch:
        return record
    fields: dict[str, Any] = {}
    metadata_parts: list[tuple[int, str, Json]] = []
    for field, (version, value) in patch.items():
        if field.startswith(deep.PREFIX):
            metadata_parts.append((version, field, value))
        elif field.startswith(log_events.PREFIX):
            continue
        elif value is None:
            fields[field] = _EMPTY.get(field)
        else:
            fields[field] = _typed(field, value)
    fields["metadata"] = deep.lay_over(record.metadata, metadata_parts)
    return msgspec.structs.replace(record, **fields)


_EMPTY: dict[str, Any] = {
    "kind": "span",
    "name": "",
    "level": "default",
    **{name: {} for name in ("model_parameters", "usage", "cost", "metadata", "attributes")},
    **{name: [] for name in ("events", "links", "flags", "tools", "finish_reasons")},
}


def _typed(field: str, value: Json) -> Any:
    return decimals(value) if field == "cost" else value


def finish(
    record: SpanRecord, *, version: int | None, patch: Patches, book: PriceBook = LIST_ALONE
) -> Span:
    """Return the span of `record` under `patch`: priced, with checked times and parent."""
    hidden: dict[str, Json] = {}
    filled: list[str] = []
    if patch:
        base, record = record, overlay(record, patch)
        changed, filled = log_events.laid_over(record, patch)
        record = msgspec.structs.replace(record, **changed)
        hidden = _hidden(base, {*patch, *changed}) if version is not None else {}
    record, sent_parent_id = _checked(record)
    return Span(
        record=priced(record, book),
        version=version,
        patch=patch,
        hidden=hidden,
        filled=filled,
        patched=bool(patch),
        awaited=version is None and log_events.are_all(patch),
        sent_parent_id=sent_parent_id,
    )


def _checked(record: SpanRecord) -> tuple[SpanRecord, str | None]:
    """Return the record with the store's flags, and a sent parent that the tree can't have."""
    end, own_parent = record.end_time, record.parent_span_id == record.span_id
    backwards = end is not None and end < record.start_time
    outside = _first_token_outside(record)
    if not (record.flags or own_parent or backwards or outside):
        return record, None
    flags = [flag for flag in record.flags if flag not in OWN_FLAGS]
    sent_parent_id = None
    if own_parent or "self_parent" in record.flags:
        flags.append("self_parent")
        sent_parent_id = record.span_id
    if backwards:
        flags.append("end_before_start")
    if outside:
        flags.append("first_token_outside")
    if sent_parent_id or flags != record.flags:
        parent = None if sent_parent_id else record.parent_span_id
        record = msgspec.structs.replace(record, flags=flags, parent_span_id=parent)
    return record, sent_parent_id


def _first_token_outside(record: SpanRecord) -> bool:
    """Return whether the first token came before the start or after the end of its span."""
    if record.first_token_time is None:
        # A delay without a reading within the span is noted, but not stored.
        return "first_token_time" in record.notes
    return not is_within(record.first_token_time, record.start_time, record.end_time)


def priced(record: SpanRecord, book: PriceBook) -> SpanRecord:
    """Return the record with the cost of its tokens, unless the application sent a cost."""
    if not record.usage and record.cost_source is None:
        return record
    if record.priced_by is not None:
        # An exported cost keeps the prices at the time of the export.
        return record
    before = record.cost, record.cost_source, record.priced_by
    if record.cost_source == GIVEN:
        now: Cost = record.cost, GIVEN, None
    else:
        # Priced again: an update may have changed or removed the priced tokens.
        now = book.price(record) or ({}, None, None)
    if now == before:
        return record
    cost, source, by = now
    return msgspec.structs.replace(record, cost=cost, cost_source=source, priced_by=by)


def flatten(span: Span) -> Span:
    """Return the span of a cycle as a flagged root."""
    record = span.record
    return msgspec.structs.replace(
        span,
        record=msgspec.structs.replace(record, parent_span_id=None, flags=[*record.flags, "cycle"]),
        sent_parent_id=record.parent_span_id,
    )


def restore_parent(span: Span) -> Span:
    """Return a span that `flatten` made a root as the child of its sent parent again."""
    record = span.record
    flags = [flag for flag in record.flags if flag != "cycle"]
    return msgspec.structs.replace(
        span,
        record=msgspec.structs.replace(record, parent_span_id=span.sent_parent_id, flags=flags),
        sent_parent_id=None,
    )


def canonical(record: SpanRecord) -> bytes:
    """Return the source's record as comparable bytes: without values that the store set."""
    given = record.cost_source == GIVEN
    own_parent = record.parent_span_id == record.span_id
    source = msgspec.structs.replace(
        record,
        parent_span_id=None if own_parent else record.parent_span_id,
        flags=[flag for flag in record.flags if flag not in OWN_FLAGS],
        cost=record.cost if given else {},
        cost_source=record.cost_source if given else None,
        priced_by=None,
    )
    return exact_json.encode_deterministic(source)


def underneath(stored: Span) -> SpanRecord:
    """Return the full record of a stored span as it was sent."""
    fields = {field: _typed(field, value) for field, value in stored.hidden.items()}
    if stored.record.cost_source not in (None, GIVEN):
        # Computed by Tracer, and computed again: an update may change the tokens.
        fields |= {"cost": {}, "cost_source": None, "priced_by": None} | fields
    if stored.sent_parent_id is not None:
        fields.setdefault("parent_span_id", stored.sent_parent_id)
        # Checked again: an update may set a parent that the tree can have.
        flags = fields.get("flags", stored.record.flags)
        fields["flags"] = [flag for flag in flags if flag not in OWN_FLAGS]
    return msgspec.structs.replace(stored.record, **fields) if fields else stored.record


def _hidden(record: SpanRecord, changed: Iterable[str]) -> dict[str, Json]:
    # Otherwise two records of equal rank would compare differently after a patch.
    names = {field.partition(".")[0] for field in changed} - {"logs"}
    return {name: getattr(record, name) for name in names}
