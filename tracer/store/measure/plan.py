"""Decides whether rollups can answer a question, from which series and widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from tracer.measure.buckets import Frame
from tracer.measure.fields import TOKEN_TYPE, query_grain
from tracer.measure.question import Question
from tracer.query.parse import parse
from tracer.query.tree import EVERYTHING, And, Equal, Glob, Node, Not, Or, Term, conjuncts
from tracer.store.measure.cells import Scan
from tracer.times import EPOCH

DAY: Final = timedelta(days=1)
UNITS: Final = (("d", DAY), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
"""The widths of rollups with their lengths, the longest first."""
MINUTES_KEPT: Final = timedelta(hours=49)
"""Minute rollups are kept for at least this long."""
DIMENSIONS: Final = {
    "t": {"name": "name", "env": "environment"},
    "s": {
        "name": "name",
        "kind": "kind",
        "env": "environment",
        "model": "model",
        "provider": "provider",
    },
    "e": {"error_type": "name", "kind": "kind", "env": "environment"},
    "u": {"user": "name", "env": "environment"},
}
"""Columns of series by the fields of queries, by what the series count."""
_PRECISE: Final = ("name", "provider", "error_type", "user")
"""Fields that the series over all names do not have."""
SUMS: Final = ("latency", "first_token", "cost", "tokens", "input_tokens", "output_tokens")
HISTOGRAMS: Final = {
    "latency": "latencies",
    "first_token": "first_tokens",
    "cost": "costs",
    "tokens": "token_counts",
}
"""The arrays of counts of values, by what is measured."""
State = Literal["error", "running", "completed"]


class Segment(NamedTuple):
    """A part of a range of time, with the width of the rollups that cover it."""

    width: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """The series that answer a question, and the parts of its range of time."""

    counts: str
    """What the series count: t, s, e or u."""
    whole: bool
    """Whether series of all names are enough."""
    conditions: Node
    state: State | None
    """Only rows of this state are counted."""
    segments: tuple[Segment, ...]
    estimates: bool = False
    """Whether distinct values are estimated: there are too many for an exact number."""


def plan_of(scan: Scan) -> Plan | None:
    """Return how rollups answer the question; None: they can't."""
    question = scan.question
    counts = _counts(question)
    if counts is None:
        return None
    split = _split(question.node)
    if split is None or not _fits_state(question, split[1]):
        return None
    conditions, state = split
    names = [group.field.name for group in question.groups if group.field is not TOKEN_TYPE]
    if question.counted is not None:
        names.append(question.counted.field.name)
    used = {*names, *_fields(conditions)}
    if counts == "e":
        state = None
    if not used <= DIMENSIONS[counts].keys():
        return None
    segments = _segments(scan.frame, scan.clock.now)
    if segments is None or (counts == "u" and any(each.width != "d" for each in segments)):
        return None
    whole = counts in "ts" and not used & set(_PRECISE)
    return Plan(counts, whole, conditions, state, segments)


def plan_of_rows(counts: str, node: Node, segments: Sequence[Segment]) -> Plan | None:
    """Return how rollups sum up all rows of a query in these segments; None: they can't."""
    split = _split(node)
    if split is None or split[1] is not None:
        return None
    used = _fields(split[0])
    if not used <= DIMENSIONS[counts].keys():
        return None
    return Plan(counts, not used & set(_PRECISE), split[0], None, tuple(segments))


def _counts(question: Question) -> str | None:
    """Return the grain of the series with the measure: t, s, e or u; None: no series has it."""
    if question.grain not in ("traces", "spans", "generations"):
        return None
    names = [group.field.name for group in question.groups]
    if question.counted is not None:
        return "u" if question.grain == "traces" and question.field == "user" else None
    if not _measurable(question):
        return None
    if question.grain == "traces":
        return "u" if "user" in names and question.measure != "percentile" else "t"
    if "error_type" in names:
        return "e" if question.measure in ("count", "rate") else None
    return "s"


def _measurable(question: Question) -> bool:
    reference = question.measured
    if reference is None:
        return question.measure in ("count", "rate") or _is_share_of_state(question)
    if question.divisor is not None:
        return all(each.field.name in ("usage", *SUMS) for each in (reference, question.divisor))
    if reference.field.name == "usage":
        return question.shape == "values" and question.measure == "sum"
    if reference.field.name not in SUMS:
        return False
    if question.shape != "values" or question.measure in ("percentile", "average"):
        return reference.field.name in HISTOGRAMS
    return question.measure == "sum"


def _is_share_of_state(question: Question) -> bool:
    conditions, state = _split(_part(question)) or (None, None)
    return conditions == EVERYTHING and state is not None and not question.whole.strip()


def share_state(question: Question) -> State | None:
    """Return the state of the rows that a ratio counts."""
    split = _split(_part(question))
    return split[1] if split else None


def _part(question: Question) -> Node:
    return parse(question.part, query_grain(question.grain))


def _fits_state(question: Question, state: State | None) -> bool:
    if "error_type" in [group.field.name for group in question.groups]:
        return state == "error"
    # Only counts are kept by state.
    return state is None or (question.measured is None and not question.is_share)


def _split(node: Node) -> tuple[Node, State | None] | None:
    """Return (conditions on series, state that rows must have); None: rollups lack a field."""
    state: State | None = None
    others: list[Node] = []
    for item in conjuncts(node):
        own = _state(item)
        if own is None:
            if not _has_series_fields_only(item):
                return None
            others.append(item)
        elif state is not None and own != state:
            return None
        else:
            state = own
    return And(tuple(others)), state


def _state(node: Node) -> State | None:
    if not isinstance(node, Term) or len(node.matches) != 1:
        return None
    match, name = node.matches[0], node.field.name
    value = match.value if isinstance(match, Equal) else None
    if (name, value) in (("level", "error"), ("status", "error")):
        return "error"
    if name == "status" and value in ("running", "completed"):
        return "running" if value == "running" else "completed"
    return None


def _has_series_fields_only(node: Node) -> bool:
    """Return whether a condition is about columns of series alone."""
    if isinstance(node, And | Or):
        return all(map(_has_series_fields_only, node.items))
    if isinstance(node, Not):
        return _has_series_fields_only(node.item)
    known = {name for names in DIMENSIONS.values() for name in names}
    return (
        isinstance(node, Term)
        and node.field.name in known
        and all(isinstance(match, Equal | Glob) for match in node.matches)
    )


def _fields(node: Node) -> set[str]:
    if isinstance(node, And | Or):
        return {name for item in node.items for name in _fields(item)}
    if isinstance(node, Not):
        return _fields(node.item)
    return {node.field.name} if isinstance(node, Term) else set()


def _segments(frame: Frame, now: datetime) -> tuple[Segment, ...] | None:
    units = [
        (width, unit)
        for width, unit in UNITS
        if all(_aligned(start, unit) for start in frame.starts[1:])
    ]
    if not units:
        return None
    segments = list(cut(frame.since, frame.until, units))
    for each in segments:
        if each.width == "?" or (each.width == "m" and each.since < now - MINUTES_KEPT):
            return None
    return tuple(segments)


def cut(since: datetime, until: datetime, units: list[tuple[str, timedelta]]) -> list[Segment]:
    """Return the parts of a range, each of the greatest unit whose whole multiples it consists of.

    A part that consists of no unit has the width ``?``.
    """
    if since >= until:
        return []
    if not units:
        return [Segment("?", since, until)]
    width, unit = units[0]
    first = since + (EPOCH - since) % unit
    last = until - (until - EPOCH) % unit
    if first >= last:
        return cut(since, until, units[1:])
    inner = Segment(width, first, last)
    return [*cut(since, first, units[1:]), inner, *cut(last, until, units[1:])]


def _aligned(time: datetime, unit: timedelta) -> bool:
    return not (time - EPOCH) % unit
