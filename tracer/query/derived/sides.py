"""The traces that a selection is compared with: the rest of its time, or the period before."""

from __future__ import annotations

from tracer.query.fields import Grain
from tracer.query.filters import compares, joined, period_of
from tracer.query.moments import Clock
from tracer.query.tree import And, Node, Not, Term, both, conjuncts


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
    since, until = period_of(node, clock, Grain.TRACE)
    until = min(until or clock.now, clock.now)
    if since is None or since >= until:
        return None
    start = since - (until - since)
    _, others = _divided(node)
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
