"""Durations, costs, token counts and trace facts as text, for the exports that people read."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal

from tracer.export.records import ExportedScore, ExportedSpan, ExportedTrace
from tracer.times import shown_time
from tracer.wording import plural


def duration(start: datetime, end: datetime | None) -> str:
    """Return a duration with three significant digits; ``running`` without an end."""
    if end is None:
        return "running"
    seconds = max((end - start).total_seconds(), 0.0)
    if seconds < 1:
        return f"{_three_digits(seconds * 1000)} ms"
    if seconds < 600:
        return f"{_three_digits(seconds)} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def number(value: float) -> str:
    """Return a number with all its digits, up to a certain size without an exponent."""
    if not math.isfinite(value):
        return str(value)
    exact = Decimal(repr(float(value)))
    plain = format(exact, "f") if -12 <= exact.adjusted() <= 21 else repr(float(value))
    return plain.removesuffix(".0") if "e" not in plain else plain


def score_value(score: ExportedScore) -> str:
    """Return the value of a score: a number, ``true`` or ``false``, or its text."""
    if score.value is None:
        return score.string_value or ""
    if score.data_type == "boolean":
        return str(bool(score.value)).lower()
    return number(score.value)


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".") if value else "0"


def dollars(value: Decimal | None) -> str:
    """Return an amount in US dollars, with four decimals below $1; empty: unknown."""
    if value is None:
        return ""
    if value == 0:
        return "$0"
    if 0 < value < Decimal("0.0001"):
        return "<$0.0001"
    return f"${value:.4f}" if abs(value) < 1 else f"${value:,.2f}"


def tokens(record: ExportedSpan | ExportedTrace) -> str:
    """Return the tokens of a span or trace: the total, and input and output if both are known."""
    if record.total_tokens is None:
        return ""
    sides = [
        f"{count:,} {side}"
        for side, count in (("in", record.input_tokens), ("out", record.output_tokens))
        if count
    ]
    return f"{record.total_tokens:,} tokens" + (f" ({', '.join(sides)})" if len(sides) > 1 else "")


def facts(trace: ExportedTrace) -> list[tuple[str, str]]:
    """Return the (name, text) facts of a trace; facts without a value are left out."""
    end = None if trace.status == "running" else trace.end_time
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in trace.kinds.items())
    pairs = [
        ("Trace", trace.trace_id),
        ("Status", {"error": "failed"}.get(trace.status, trace.status)),
        ("Error", trace.error_message or "" if trace.status == "error" else ""),
        ("Started", shown_time(trace.start_time)),
        ("Took", duration(trace.start_time, end)),
        ("Spans", f"{trace.span_count:,}" + (f" ({kinds})" if kinds else "")),
        ("Errors", f"{trace.error_count:,}" if trace.error_count else ""),
        ("Models", ", ".join(trace.models)),
        ("Tokens", tokens(trace).replace(" tokens", "")),
        ("Cost", _cost(trace)),
        ("User", trace.user_id or ""),
        ("Session", trace.session_id or ""),
        ("Environment", trace.environment),
        ("Release", trace.release or ""),
        ("Version", trace.version or ""),
        ("Tags", ", ".join(trace.tags)),
    ]
    return [(name, text) for name, text in pairs if text]


def _cost(trace: ExportedTrace) -> str:
    unpriced = f"{plural(trace.unpriced_count, 'call')} without a known price"
    parts = [dollars(trace.total_cost), unpriced if trace.unpriced_count else ""]
    return ", ".join(text for text in parts if text)
