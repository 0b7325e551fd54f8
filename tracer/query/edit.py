"""Edits the text of a query term by term; the rest of the text does not change."""

from __future__ import annotations

from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.printing import term_text, to_text
from tracer.query.tree import And, Equal, Extent, Node, Not, Or, Term, conjuncts


def has_value(text: str, grain: Grain, term: Term) -> bool:
    """Return whether a term at the top level of the query has the (single) value of ``term``."""
    same = _same_field(parse(text, grain), term)
    return same is not None and term.matches[0] in same.matches


def excludes(text: str, grain: Grain, term: Term) -> bool:
    """Return whether the query excludes the value of ``term``."""
    return _excluding(parse(text, grain), term) is not None


def toggle(text: str, grain: Grain, term: Term) -> str:
    """Return the query with the (single) value of ``term`` added, or removed if it is present.

    Values of one field form a list, one of which has to match. An exclusion is removed.
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

    For a value: the first term that lists values of the same field. For a range: an equal term
    only, because two ranges of a field must both match and so are separate terms.
    """
    for other in _terms_of(node, term):
        lists = all(isinstance(match, Equal) for match in other.matches)
        if lists if isinstance(term.matches[0], Equal) else other == term:
            return other
    return None


def _excluding(node: Node, term: Term) -> Not | None:
    excluded = Term(term.field, term.key, term.matches)
    for item in conjuncts(node):
        if isinstance(item, Not) and item.item == excluded:
            return item
    return None


def _append(text: str, node: Node, addition: str) -> str:
    text = text.strip()
    if node == And(()):
        return addition
    # OR binds weaker than the space between two terms.
    return f"({text}) {addition}" if isinstance(node, Or) else f"{text} {addition}"


def _replace(text: str, extent: Extent, new: str) -> str:
    """Replace the extent of the text; where it is removed, collapse the spaces around it to one."""
    before, after = text[: extent.start], text[extent.end :]
    if not new:
        before, after = before.rstrip(), after.lstrip()
        new = " " if before and after else ""
    return (before + new + after).strip()
