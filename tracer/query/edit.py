"""Edits the text of a query term by term; the rest of the text does not change."""

from __future__ import annotations

import itertools
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.printing import term_text, to_text
from tracer.query.tree import (
    And,
    Between,
    Compare,
    Equal,
    Extent,
    Match,
    Node,
    Not,
    Or,
    Quantity,
    Term,
    conjuncts,
)


class Edits(NamedTuple):
    """What a query does with a value, and the queries that clicks on the value lead to."""

    chosen: bool
    excluded: bool
    toggled: str
    exclude: str


def edits_of(text: str, grain: Grain, term: Term) -> Edits:
    """Return `has_value`, `excludes`, `toggle` and `exclude` of a value in one step."""
    node = parse(text, grain)
    if _same_field(node, term) is None and _excluding(node, term) is None:
        written = term_text(term)
        return Edits(False, False, _append(text, node, written), _append(text, node, f"-{written}"))
    return Edits(
        has_value(text, grain, term),
        excludes(text, grain, term),
        toggle(text, grain, term),
        exclude(text, grain, term),
    )


def has_value(text: str, grain: Grain, term: Term) -> bool:
    """Return whether a term at the top level of the query has the (single) value of ``term``."""
    same = _same_field(parse(text, grain), term)
    return same is not None and term.matches[0] in same.matches


def excludes(text: str, grain: Grain, term: Term) -> bool:
    """Return whether the query excludes the value of ``term``."""
    return _excluding(parse(text, grain), term) is not None


def toggle(text: str, grain: Grain, term: Term) -> str:
    """Return the query with the (single) value of ``term`` added, or removed if it is present.

    Values of one field form a list, one of which has to match; so do ranges that have nothing in
    common. An exclusion is removed.
    """
    node = parse(text, grain)
    if (excluding := _excluding(node, term)) is not None:
        return toggle(_replace(text, excluding.extent, ""), grain, term)
    same = _same_field(node, term)
    if same is None:
        return _append(text, node, term_text(term))
    matches = tuple(match for match in same.matches if match != term.matches[0])
    if len(matches) == len(same.matches):
        matches += term.matches
    changed = term_text(Term(same.field, same.key, matches)) if matches else ""
    return _replace(text, same.extent, changed)


def exclude(text: str, grain: Grain, term: Term) -> str:
    """Return the query with the value of ``term`` excluded, or without its exclusion if present."""
    node = parse(text, grain)
    if (excluding := _excluding(node, term)) is not None:
        return _replace(text, excluding.extent, "")
    if has_value(text, grain, term):
        return exclude(toggle(text, grain, term), grain, term)
    return _append(text, node, f"-{term_text(term)}")


def set_term(text: str, grain: Grain, term: Term) -> str:
    """Return the query with ``term`` instead of all terms of its field.

    A term without matches only removes them.
    """
    node = parse(text, grain)
    for other in reversed(_terms_of(node, term)):
        text = _replace(text, other.extent, "")
    return _append(text, parse(text, grain), term_text(term)) if term.matches else text


def without(text: str, extent: Extent) -> str:
    """Return the query without the characters of a node of its top level."""
    return _replace(text, extent, "")


def narrowed(text: str, grain: Grain, node: Node) -> str:
    """Return the query with ``node`` as a further condition."""
    addition = f"({to_text(node)})" if isinstance(node, Or) else to_text(node)
    return _append(text, parse(text, grain), addition)


def _terms_of(node: Node, term: Term) -> list[Term]:
    return [
        item
        for item in conjuncts(node)
        if isinstance(item, Term) and (item.field, item.key) == (term.field, term.key)
    ]


def _same_field(node: Node, term: Term) -> Term | None:
    """Return the term at the top level that ``term`` is merged with.

    For a value: the first term that lists values of the same field. For a range: a term that has
    it, or whose ranges have nothing in common with it, so that nothing could match both terms.
    """
    match, terms = term.matches[0], _terms_of(node, term)
    fits = _is_value if isinstance(match, Equal) else partial(_are_apart, match)
    having = (other for other in terms if match in other.matches)
    fitting = (other for other in terms if all(map(fits, other.matches)))
    return next(itertools.chain(having, fitting), None)


def _is_value(match: Match) -> bool:
    return isinstance(match, Equal)


def _are_apart(match: Match, other: Match) -> bool:
    """Return whether two ranges of numbers have at most a bound in common."""
    (low, high), (other_low, other_high) = _bounds(match), _bounds(other)
    lows = [each for each in (low, other_low) if isinstance(each, Decimal)]
    highs = [each for each in (high, other_high) if isinstance(each, Decimal)]
    return bool(lows) and bool(highs) and max(lows) >= min(highs)


def _bounds(match: Match) -> tuple[Quantity | None, Quantity | None]:
    """Return the lowest and the highest value of a match; None: no bound, or no range."""
    match match:
        case Between():
            return match.low, match.high
        case Compare():
            return (match.value, None) if match.operator in (">", ">=") else (None, match.value)
    return None, None


def _excluding(node: Node, term: Term) -> Not | None:
    for item in conjuncts(node):
        if isinstance(item, Not) and item.item == term:
            return item
    return None


def _append(text: str, node: Node, addition: str) -> str:
    text = text.strip()
    if node == And(()):
        return addition
    # OR has lower precedence than the space between two terms.
    return f"({text}) {addition}" if isinstance(node, Or) else f"{text} {addition}"


def _replace(text: str, extent: Extent, new: str) -> str:
    """Replace the extent of the text; where it is removed, collapse the spaces around it to one."""
    before, after = text[: extent.start], text[extent.end :]
    if not new:
        before, after = before.rstrip(), after.lstrip()
        new = " " if before and after else ""
    return (before + new + after).strip()
