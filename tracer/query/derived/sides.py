"""Queries of the traces that a selection is compared with: all others, or the previous period."""

from __future__ import annotations

from tracer.query.fields import Grain
from tracer.query.filters import compares, joined, period_of
from tracer.query.moments import Clock
from tracer.query.tree import And, Node, Not, Term, both, conjuncts


def rest(node: Node) -> Node | None:
    """Return the query of all other traces of the same period; None: there are none.

    The period is what the terms on ``start`` at the top level select.
    """
    times, others = _split_by_start(node)
    if not others:
        return None
    other = others[0] if len(others) == 1 else And(tuple(others))
    return both(And(tuple(times)), other.item if isinstance(other, Not) else Not(other))


def previous_period(node: Node, clock: Clock) -> Node | None:
    """Return the query for the previous period of equal length; None: the query has no start."""
    since, until = period_of(node, clock, Grain.TRACE)
    until = min(until or clock.now, clock.now)
    if since is None or since >= until:
        return None
    start = since - (until - since)
    _, others = _split_by_start(node)
    first = compares(Grain.TRACE, "start", ">=", start)
    return joined(first, compares(Grain.TRACE, "start", "<", since), others)


def _split_by_start(node: Node) -> tuple[list[Term], list[Node]]:
    """Return (terms on the start, the other conditions) of the top level."""
    times: list[Term] = []
    others: list[Node] = []
    for item in conjuncts(node):
        if isinstance(item, Term) and item.field.name == "start" and len(item.matches) == 1:
            times.append(item)
        else:
            others.append(item)
    return times, others
