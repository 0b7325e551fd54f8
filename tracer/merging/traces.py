"""Pure: the state of a trace, from the values sent for it and the sums over its spans."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, overload

import msgspec

from tracer.merging.claims import UNLOADED, Claims
from tracer.merging.spans import Span
from tracer.messages.previews import preview
from tracer.records import RANK_IMPLIED, TRACE_FIELDS, Json, SpanRecord, token_sums
from tracer.times import sql_time

COUNTS = (
    "span_count",
    "running_count",
    "error_count",
    "warning_count",
    "root_error_count",
    "flagged_count",
    "unpriced_count",
    "priced_count",
    "metered_count",
)
# Indexed text: a longer value does not fit into an index entry.
INDEXED_BYTES = 600
# Without a sent value, or with null, the root span's values apply.
OF_ROOT = ("name", "input", "output")
NULLABLE = ("user_id", "session_id", "release", "version", "input", "output")
TIMES = ("start_time", "end_time")


def status_of(record: SpanRecord) -> str:
    """Return running, completed or error."""
    if record.level == "error":
        return "error"
    return "running" if record.end_time is None else "completed"


class Totals(msgspec.Struct):
    """Sums over spans; adding and removing the same span changes nothing."""

    counts: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    kinds: dict[str, int] = {}
    models: dict[str, int] = {}
    usage: dict[str, int] = {}
    cost: dict[str, Decimal] = {}

    def add(self, span: Span, sign: int = 1) -> None:
        """Add a span (sign 1) or subtract one (sign -1); ignores placeholders."""
        if span.placeholder:
            return
        record = span.record
        failed = record.level == "error"
        counts = self.counts
        counts["span_count"] += sign
        if record.end_time is None:
            counts["running_count"] += sign
        if failed:
            counts["error_count"] += sign
            if record.parent_span_id is None:
                counts["root_error_count"] += sign
        elif record.level == "warning":
            counts["warning_count"] += sign
        if record.flags:
            counts["flagged_count"] += sign
        _bump(self.kinds, record.kind, sign)
        if record.model:
            _bump(self.models, record.model, sign)
        if not span.usage_excluded:
            self._add_usage(record, sign)

    def _add_usage(self, record: SpanRecord, sign: int) -> None:
        if record.usage:
            self.counts["metered_count"] += sign
            if not record.cost:
                self.counts["unpriced_count"] += sign
            for usage_type, number in record.usage.items():
                _bump(self.usage, usage_type, sign * number)
        if record.cost:
            self.counts["priced_count"] += sign
            # A total sent beside its parts would count the parts twice.
            parts = record.cost
            if "total" in parts:
                parts = {"total": parts["total"]}
            for usage_type, dollars in parts.items():
                _bump(self.cost, usage_type, sign * dollars)


def _bump(sums: dict[str, Any], key: str, number: Any) -> None:
    total = sums.get(key, 0) + number
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)


class Derived(msgspec.Struct):
    """Values of single spans: the root's name, the bounds, the message of the first error."""

    root_span_id: str | None = None
    """The root, or until one arrives the first span below the first missing one."""
    rootless: bool = False
    compared: bool = False
    """There is or was a span whose usage must be compared with that of others."""
    root_name: str = ""
    root_process: str | None = None
    """`process_of` the root; None: it was not looked up, since no span sent a field."""
    root_payloads: frozenset[str] = frozenset()
    """Whether the root, if it has arrived, has an input and an output."""
    input_preview: str | None = None
    input_source: tuple[int, str] | None = None
    """Start and id of the first generation with an input, where the root has none."""
    borrows_input: bool = False
    """The preview of the input is that of the span in ``input_source``."""
    tracks_input: bool = True
    """``input_source`` is up to date with all stored spans."""
    output_preview: str | None = None
    error_message: str | None = None
    start: int | None = None
    """Earliest start of any span (µs), None: there is none."""
    end: int | None = None
    """Latest end (of a running span: start) of any span (µs)."""


class Trace(msgspec.Struct):
    """The new or the stored state of a trace."""

    claims: Claims
    totals: Totals
    derived: Derived

    @classmethod
    def new(cls) -> Trace:
        """Return a trace without data."""
        return cls(Claims(), Totals(), Derived())

    @property
    def status(self) -> str:
        """Running while any span is; failed when a root failed (rootless: when any span did)."""
        counts = self.totals.counts
        if counts["running_count"]:
            return "running"
        failed = "error_count" if self.derived.rootless else "root_error_count"
        return "error" if counts[failed] else "completed"

    def value(self, name: str) -> Json:
        """Return the value that was sent for a field; None: none was, or the root's value applies.

        UNLOADED: there is a value that was not read from the database.
        """
        claims = self.claims
        if name in claims.ranks:
            return claims.fields.get(name, UNLOADED)
        candidate = claims.candidate(name, self.derived.root_process)
        if candidate is None or (candidate.rank == RANK_IMPLIED and self._root_has(name)):
            return None
        return candidate.value

    def _root_has(self, name: str) -> bool:
        derived = self.derived
        if name == "name":
            return not derived.rootless and derived.root_span_id is not None
        return name in derived.root_payloads

    @property
    def session_id(self) -> str | None:
        """The session as indexed."""
        return clip(self.value("session_id"), INDEXED_BYTES)

    def bounds(self) -> tuple[int, int]:
        """Return (start, end) in µs: of the spans, widened by the times that were sent."""
        sent_start, sent_end = self.value("start_time"), self.value("end_time")
        starts = [time for time in (self.derived.start, sent_start) if time is not None]
        start = min(starts) if starts else (self.claims.seen or 0)
        ends = [time for time in (self.derived.end, sent_end) if time is not None]
        return start, max([start, *ends])


def extend(derived: Derived, spans: Iterable[Span]) -> None:
    """Extend the bounds so that they include these spans."""
    for span in spans:
        record = span.record
        if span.placeholder:
            continue
        end = record.start_time if record.end_time is None else record.end_time
        end = max(end, record.start_time)
        if derived.start is None or record.start_time < derived.start:
            derived.start = record.start_time
        if derived.end is None or end > derived.end:
            derived.end = end


@overload
def clip(text: str, maximum: int) -> str: ...
@overload
def clip(text: str | None, maximum: int) -> str | None: ...
def clip(text: str | None, maximum: int) -> str | None:
    """Return the text cut to `maximum` bytes of UTF-8, at a character."""
    if text is None or len(text) * 4 <= maximum:
        return text
    raw = text.encode()
    return text if len(raw) <= maximum else raw[: maximum - 3].decode(errors="ignore") + "…"


def shown_name(trace: Trace) -> str:
    """Return the name of a trace as it is stored: sent, or its root's."""
    return clip(trace.value("name") or trace.derived.root_name, INDEXED_BYTES)


def shown_user(trace: Trace) -> str | None:
    """Return the user of a trace as it is stored."""
    return clip(trace.value("user_id"), INDEXED_BYTES)


def shown_environment(trace: Trace) -> str:
    """Return the environment of a trace as it is stored."""
    return clip(trace.value("environment"), INDEXED_BYTES) or "default"


def columns(trace: Trace) -> dict[str, Any]:
    """Return the trace's row without its key, in JSON types.

    An input or output that was not read from the database is UNLOADED.
    """
    claims, totals, derived = trace.claims, trace.totals, trace.derived
    values = {name: trace.value(name) for name in TRACE_FIELDS}
    start, end = trace.bounds()
    input_tokens, output_tokens, total_tokens = token_sums(totals.usage)
    has_usage, priced = totals.counts["metered_count"], totals.counts["priced_count"]
    return {
        **{name: values[name] for name in NULLABLE},
        "name": shown_name(trace),
        "user_id": shown_user(trace),
        "session_id": trace.session_id,
        "environment": shown_environment(trace),
        "public": bool(values["public"]),
        "tags": claims.shown_tags(),
        "metadata": claims.metadata,
        "claims": _remembered(trace, values),
        "start_time": sql_time(start),
        "end_time": sql_time(end),
        "status": trace.status,
        "root_span_id": derived.root_span_id,
        "input_preview": _preview(values["input"], derived.input_preview, output=False),
        "output_preview": _preview(values["output"], derived.output_preview, output=True),
        "error_message": derived.error_message,
        **totals.counts,
        "kinds": totals.kinds,
        "models": totals.models,
        "usage": totals.usage,
        "input_tokens": (input_tokens or 0) if has_usage else None,
        "output_tokens": (output_tokens or 0) if has_usage else None,
        "total_tokens": (total_tokens or 0) if has_usage else None,
        "cost": totals.cost,
        "total_cost": sum(totals.cost.values(), Decimal(0)) if priced else None,
    }


def _preview(sent: Json, derived: str | None, *, output: bool) -> str | None:
    if sent is None or sent is UNLOADED:
        return derived
    return preview(sent, output=output)


def _remembered(trace: Trace, values: dict[str, Json]) -> dict[str, Json]:
    """Return the trace's `claims` column: the data without columns of their own."""
    claims, derived = trace.claims, trace.derived
    kept: dict[str, Json] = {"ranks": claims.ranks, "seen": claims.seen}
    if claims.processes:
        in_columns = [
            name
            for name in TRACE_FIELDS
            if name not in (*claims.ranks, *TIMES) and values[name] is not None
        ]
        kept["processes"] = claims.dump(in_columns, derived.root_process)
        kept["root_process"] = derived.root_process
    if any(values[name] is not None or name in claims.fields for name in TIMES):
        # The columns have the sent times, so the bounds of the spans are stored here.
        kept["times"] = {name: claims.fields[name] for name in TIMES if name in claims.fields}
        kept["bounds"] = [derived.start, derived.end]
    if derived.rootless:
        kept["rootless"] = True
    if derived.input_source:
        kept["input_source"] = [*derived.input_source, derived.borrows_input]
    if derived.compared:
        kept["compared"] = True
    if claims.tag_edits:
        # The column has the edited tags, so the sent ones are stored here.
        kept |= {"tags": claims.tags, "tag_edits": claims.tag_edits}
    cleared = [name for name in OF_ROOT if claims.cleared(name)]
    if cleared:
        kept["cleared"] = cleared
    return kept
