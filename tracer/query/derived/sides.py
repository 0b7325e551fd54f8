"""The traces that a selection is compared with: the rest of its time, or the period before."""

from __future__ import annotations

from datetime import datetime

from tracer.query.fields import Grain
from tracer.query.filters import compares, joined
from tracer.query.moments import Clock, Moment, resolve
from tracer.query.tree import And, Between, Compare, Equal, Match, Node, Not, Term, both, conjuncts

_Bounds = tuple[datetime | None, datetime | None]


def rest(node: Node) -> Node | None:
    """Return the query of the other traces of the same time; None: the query selects all of them.

    The same time is what terms on ``start`` at the top level select.
    """
    times, others = _divided(node)
    if not others:
        return None
    other = others[0] if len(others) == 1 else And(tuple(others))
    return both(And(tuple(times)), other.item if isinstance(other, Not) else Not(other))


def before(node: Node, clock: Clock) -> Node | None:
    """Return the query for the period before, as long as its own; None: it has no beginning."""
    times, others = _divided(node)
    since, until = None, clock.now
    for term in times:
        low, high = _bounds(term.matches[0], clock)
        since = max(since, low) if since and low else since or low
        until = min(until, high) if high else until
    if since is None or since >= until:
        return None
    start = since - (until - since)
    first = compares(Grain.TRACE, "start", ">=", start)
    return joined(first, compares(Grain.TRACE, "start", "<", since), others)


def _divided(node: Node) -> tuple[list[Term], list[Node]]:
    """Return (terms on the start, the other conditions) of the top level."""
    times: list[Term] = []
    others: list[Node] = []
    for item in conjuncts(node):
        if isinstance(item, Term) and item.field.name == "start" and len(item.matches) == 1:
            times.append(item)
        else:
            others.append(item)
    return times, others


def _bounds(match: Match, clock: Clock) -> _Bounds:
    """Return the first time and the time after the last one that match."""
    if isinstance(match, Between):
        return _time(match.low, clock, 0), _time(match.high, clock, 1)
    if isinstance(match, Compare):
        end = 1 if match.operator in (">", "<=") else 0
        time = _time(match.value, clock, end)
        return (time, None) if match.operator in (">", ">=") else (None, time)
    assert isinstance(match, Equal)
    return _time(match.value, clock, 0), _time(match.value, clock, 1)


def _time(value: object, clock: Clock, end: int) -> datetime | None:
    return resolve(value, clock)[end] if isinstance(value, Moment) else None
