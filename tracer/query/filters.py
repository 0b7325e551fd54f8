"""Builds queries from single parameters and periods, and reads the period of a query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tracer.query.fields import Grain, Type, field_of
from tracer.query.moments import Clock, Moment, resolve
from tracer.query.tree import (
    And,
    Between,
    Compare,
    Equal,
    Match,
    Node,
    Not,
    Operator,
    Term,
    conjuncts,
)
from tracer.times import json_time

_MINUTE = timedelta(minutes=1)


def equals(grain: Grain, name: str, value: str | None) -> list[Node]:
    """Return the term for this exact value of a field; no terms for None."""
    field = field_of(grain, name)
    assert field is not None
    assert field.type in (Type.TEXT, Type.CHOICE)
    return [] if value is None else [Term(field, None, (Equal(value),))]


def compares(grain: Grain, name: str, operator: Operator, time: datetime | None) -> list[Node]:
    """Return the term that compares a time; no terms for None."""
    field = field_of(grain, name)
    assert field is not None
    assert field.type is Type.TIME
    if time is None:
        return []
    return [Term(field, None, (Compare(operator, Moment(json_time(time))),))]


def has(grain: Grain, choice: str, present: bool | None) -> list[Node]:
    """Return the term that something is present (or missing: False); no terms for None."""
    field = field_of(grain, "has")
    assert field is not None
    assert choice in field.choices
    term = Term(field, None, (Equal(choice),))
    return [] if present is None else [term if present else Not(term)]


def joined(*conditions: list[Node]) -> Node:
    """Return the query that needs all of these conditions."""
    nodes = [node for condition in conditions for node in condition]
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def period_of(
    node: Node, clock: Clock, grain: Grain, name: str = "start"
) -> tuple[datetime | None, datetime | None]:
    """Return (since, until), end exclusive, to which a query limits a time; None: no bound.

    Only terms at the top level are used: one beside an OR does not limit the query.
    """
    field = field_of(grain, name)
    since: datetime | None = None
    until: datetime | None = None
    for term in conjuncts(node):
        if not isinstance(term, Term) or term.field != field or len(term.matches) != 1:
            continue
        begin, end = _bounds(term.matches[0], clock)
        since = max(filter(None, (since, begin)), default=None)
        until = min(filter(None, (until, end)), default=None)
    return since, until


def _bounds(match: Match, clock: Clock) -> tuple[datetime | None, datetime | None]:
    if isinstance(match, Equal) and isinstance(match.value, Moment):
        return resolve(match.value, clock)
    if isinstance(match, Between):
        low, high = match.low, match.high
        return (
            resolve(low, clock)[0] if isinstance(low, Moment) else None,
            resolve(high, clock)[1] if isinstance(high, Moment) else None,
        )
    if isinstance(match, Compare) and isinstance(match.value, Moment):
        begin, end = resolve(match.value, clock)
        return {
            ">": (end, None),
            ">=": (begin, None),
            "<": (None, begin),
            "<=": (None, end),
        }[match.operator]
    return None, None


def period_match(since: datetime, until: datetime, clock: Clock) -> Between:
    """Return the match of the times from ``since`` to before ``until``, as the visitor writes them.

    Both are whole minutes, or are cut to whole seconds.
    """
    in_minutes = not (since.second or until.second or until - since < _MINUTE)
    step, form = (
        (_MINUTE, "%Y-%m-%dT%H:%M") if in_minutes else (timedelta(seconds=1), "%Y-%m-%dT%H:%M:%S")
    )
    # The last minute that is named belongs to the range as a whole.
    last = max(since, until - step)
    return Between(_written(since, form, clock), _written(last, form, clock))


def _written(time: datetime, form: str, clock: Clock) -> Moment:
    local = time.astimezone(clock.zone)
    # Where clocks go back an hour, its local times mean the first of the two hours.
    if local.fold:
        return Moment(f"{time.astimezone(UTC).strftime(form)}Z")
    return Moment(local.strftime(form))
