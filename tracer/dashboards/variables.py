"""Puts the values of variables into queries: ``release:$release`` becomes ``release:v2``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tracer.query.tree import (
    EVERYTHING,
    And,
    Equal,
    Match,
    Node,
    Not,
    Or,
    Related,
    SpanPath,
    Spans,
    Term,
    both,
)


def substituted(node: Node, values: Mapping[str, str]) -> Node:
    """Return the query with the values of its variables; a term whose variable is any is removed.

    A group like ``any(…)`` without terms is removed as well. A name that is no variable is not
    replaced: it is an ordinary value that begins with ``$``.
    """
    if isinstance(node, Term):
        return _term(node, values)
    if isinstance(node, And):
        return joined(*(substituted(item, values) for item in node.items))
    if isinstance(node, Or):
        items = tuple(substituted(item, values) for item in node.items)
        return EVERYTHING if EVERYTHING in items else Or(items)
    if isinstance(node, Not):
        item = substituted(node.item, values)
        return EVERYTHING if item == EVERYTHING else Not(item)
    if isinstance(node, Related):
        item = substituted(node.item, values)
        return EVERYTHING if item == EVERYTHING else dataclasses.replace(node, item=item)
    if isinstance(node, Spans):
        steps = tuple(substituted(step, values) for step in node.path.steps)
        path = SpanPath(steps, node.path.joins)
        return EVERYTHING if EVERYTHING in steps else dataclasses.replace(node, path=path)
    return node


def joined(*nodes: Node) -> Node:
    """Return the query that holds where all of these hold."""
    result: Node = EVERYTHING
    for node in nodes:
        result = both(result, node)
    return result


def _term(term: Term, values: Mapping[str, str]) -> Node:
    matches = []
    for match in term.matches:
        name = _name(match)
        if name not in values:
            matches.append(match)
        elif value := values[name]:
            matches.append(Equal(value))
        else:
            return EVERYTHING
    return dataclasses.replace(term, matches=tuple(matches))


def _name(match: Match) -> str:
    """Return the name of the variable that a value is, "" if it is none."""
    value = match.value if isinstance(match, Equal) else None
    return value[1:] if isinstance(value, str) and value.startswith("$") else ""
