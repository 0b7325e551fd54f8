"""Pure: what a trace is, out of what was said of it and what its spans add up to."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, overload

import msgspec

from tracer.merging import deep
from tracer.merging.spans import Span
from tracer.messages import conversation
from tracer.records import Json, SpanRecord, TraceRecord, token_sums
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
# Indexed text: a longer value would not fit into an index entry.
INDEXED_BYTES = 600
# Where nothing, or null, was said of these, the root span's show.
OF_ROOT = ("name", "input", "output")
NULLABLE = ("user_id", "session_id", "release", "version", "input", "output")


def status_of(record: SpanRecord) -> str:
    """Return running, completed or error."""
    if record.level == "error":
        return "error"
    return "running" if record.end_time is None else "completed"


class Totals(msgspec.Struct):
    """Sums over spans; adding and taking away the same span leaves no trace of it."""

    counts: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    kinds: dict[str, int] = {}
    models: dict[str, int] = {}
    usage: dict[str, int] = {}
    cost: dict[str, Decimal] = {}

    def add(self, span: Span, sign: int = 1) -> None:
        """Add a span (sign 1) or take one away (sign -1); a placeholder counts nowhere."""
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
        if not span.covered:
            self._add_use(record, sign)

    def _add_use(self, record: SpanRecord, sign: int) -> None:
        if record.usage:
            self.counts["metered_count"] += sign
            if not record.cost:
                self.counts["unpriced_count"] += sign
            for bucket, number in record.usage.items():
                _bump(self.usage, bucket, sign * number)
        if record.cost:
            self.counts["priced_count"] += sign
            # A total sent beside its parts would count the parts twice.
            parts = record.cost
            if "total" in parts:
                parts = {"total": parts["total"]}
            for bucket, dollars in parts.items():
                _bump(self.cost, bucket, sign * dollars)


def _bump(sums: dict[str, Any], key: str, number: Any) -> None:
    total = sums.get(key, 0) + number
    if total:
        sums[key] = total
    else:
        sums.pop(key, None)


class Claims(msgspec.Struct):
    """What was said of a trace, and how firmly: the highest (rank, version, content) wins."""

    fields: dict[str, Json] = {}
    tags: list[str] = []
    metadata: dict[str, Json] = {}
    ranks: dict[str, list[int]] = {}
    """Field, ``metadata.<key>`` or ``tags`` (when replaced) -> [rank, version]."""
    tag_edits: dict[str, list[Any]] = {}
    """Tag -> [version, is there, who]: the latest word of a person, which no application undoes."""
    seen: int | None = None
    """Earliest version of any record: where a trace begins that has no span yet (µs)."""

    def say(self, record: TraceRecord) -> None:
        """Take one record in."""
        at = [record.rank, record.version]
        for field, value in record.fields.items():
            self._put(self.fields, field, field, value, at)
        for name, value in deep.parts(record.metadata, deep=record.deep):
            deep.put(self.metadata, self.ranks, name, value, at)
        if record.replace_tags:
            held = {"tags": self.tags}
            self._put(held, "tags", "tags", sorted(set(record.tags)), at)
            self.tags = held["tags"]
        elif record.tags and "tags" not in self.ranks:
            self.tags = sorted({*self.tags, *record.tags})
        for tag, there in record.tag_edits.items():
            edit = [record.version, there, record.editor]
            self.tag_edits[tag] = max(self.tag_edits.get(tag, edit), edit)
        self.seen = record.version if self.seen is None else min(self.seen, record.version)

    def shown_tags(self) -> list[str]:
        """Return the tags said by the application, as people edited them."""
        edits = self.tag_edits.items()
        added = {tag for tag, (_, there, _) in edits if there}
        return sorted(({*self.tags} - {tag for tag, _ in edits}) | added)

    def cleared(self, name: str) -> bool:
        """Return whether the last word on a field of OF_ROOT was null: the root's shows then."""
        return name in self.fields and self.fields[name] is None

    def speaks_for(self, name: str) -> bool:
        """Return whether the trace has an input or output of its own, loaded or not."""
        return name in self.ranks and not self.cleared(name)

    def _put(
        self, held: dict[str, Json], key: str, rank_key: str, value: Json, at: list[int]
    ) -> None:
        old = self.ranks.get(rank_key)
        if old is None or at > old or (at == old and _bytes(value) > _bytes(held.get(key))):
            held[key] = value
            self.ranks[rank_key] = at


def _bytes(value: Json) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


class Derived(msgspec.Struct):
    """What follows from single spans: the root's name, the bounds, the first error's text."""

    root_span_id: str | None = None
    """The root, or until one arrives the first span below the first missing one."""
    rootless: bool = False
    root_name: str = ""
    input_preview: str | None = None
    output_preview: str | None = None
    error_message: str | None = None
    start: int | None = None
    """Earliest start of any span (µs), None: there is none."""
    end: int | None = None
    """Latest end (of a running span: start) of any span (µs)."""


class Trace(msgspec.Struct):
    """A trace as it is to be stored, or as it was."""

    claims: Claims
    totals: Totals
    derived: Derived

    @classmethod
    def new(cls) -> Trace:
        """Return a trace of which nothing is known yet."""
        return cls(Claims(), Totals(), Derived())

    @property
    def status(self) -> str:
        """Running while any span is; failed when a root failed (rootless: when any span did)."""
        counts = self.totals.counts
        if counts["running_count"]:
            return "running"
        failed = "error_count" if self.derived.rootless else "root_error_count"
        return "error" if counts[failed] else "completed"

    @property
    def session_id(self) -> str | None:
        """The session as indexed."""
        return clip(self.claims.fields.get("session_id"), INDEXED_BYTES)

    def bounds(self) -> tuple[int, int]:
        """Return (start, end) in µs: of the spans, widened by what was said."""
        said = self.claims.fields
        starts = [time for time in (self.derived.start, said.get("start_time")) if time is not None]
        start = min(starts) if starts else (self.claims.seen or 0)
        ends = [time for time in (self.derived.end, said.get("end_time")) if time is not None]
        return start, max([start, *ends])


def extend(derived: Derived, spans: Iterable[Span]) -> None:
    """Widen the bounds by these spans."""
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
def clip(text: str, most: int) -> str: ...
@overload
def clip(text: str | None, most: int) -> str | None: ...
def clip(text: str | None, most: int) -> str | None:
    """Return the text cut to `most` bytes of UTF-8, at a character."""
    if text is None or len(text) * 4 <= most:
        return text
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"


def columns(trace: Trace) -> dict[str, Any]:
    """Return the trace's row but for its key, ready for JSON."""
    claims, totals, derived = trace.claims, trace.totals, trace.derived
    said = claims.fields
    start, end = trace.bounds()
    asked, answered, tokens = token_sums(totals.usage)
    metered, priced = totals.counts["metered_count"], totals.counts["priced_count"]
    return {
        **{name: said.get(name) for name in NULLABLE},
        "name": clip(said.get("name") or derived.root_name, INDEXED_BYTES),
        "user_id": clip(said.get("user_id"), INDEXED_BYTES),
        "session_id": trace.session_id,
        "environment": clip(said.get("environment"), INDEXED_BYTES) or "default",
        "public": bool(said.get("public")),
        "tags": claims.shown_tags(),
        "metadata": {key: value for key, value in claims.metadata.items() if value is not None},
        "claims": _remembered(claims, derived),
        "start_time": sql_time(start),
        "end_time": sql_time(end),
        "status": trace.status,
        "root_span_id": derived.root_span_id,
        "input_preview": _preview(said.get("input"), derived.input_preview),
        "output_preview": _preview(said.get("output"), derived.output_preview),
        "error_message": derived.error_message,
        **totals.counts,
        "kinds": totals.kinds,
        "models": totals.models,
        "usage": totals.usage,
        "input_tokens": (asked or 0) if metered else None,
        "output_tokens": (answered or 0) if metered else None,
        "total_tokens": (tokens or 0) if metered else None,
        "cost": totals.cost,
        "total_cost": sum(totals.cost.values(), Decimal(0)) if priced else None,
    }


def _preview(said: Json, of_root: str | None) -> str | None:
    return of_root if said is None else conversation.preview(said)


def _remembered(claims: Claims, derived: Derived) -> dict[str, Json]:
    kept: dict[str, Json] = {"ranks": claims.ranks, "seen": claims.seen}
    times = {
        name: claims.fields[name] for name in ("start_time", "end_time") if name in claims.fields
    }
    if times:
        # The columns then hold what was said as well, so the spans' own bounds are kept apart.
        kept |= {"times": times, "bounds": [derived.start, derived.end]}
    if derived.rootless:
        kept["rootless"] = True
    if claims.tag_edits:
        # The column then holds the edited ones, so what was said is kept apart.
        kept |= {"tags": claims.tags, "tag_edits": claims.tag_edits}
    cleared = [name for name in OF_ROOT if claims.cleared(name)]
    if cleared:
        kept["cleared"] = cleared
    return kept
