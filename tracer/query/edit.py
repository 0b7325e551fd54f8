"""Edits the text of a query term by term, and leaves the rest as the reader typed it."""

from __future__ import annotations

from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.printing import term_text, to_text
from tracer.query.tree import And, Equal, Extent, Node, Not, Or, Term, conjuncts


def has_value(text: str, grain: Grain, term: Term) -> bool:
    """Return whether the query asks for the (one) value of ``term`` in a term of its own."""
    same = _same_field(parse(text, grain), term)
    return same is not None and term.matches[0] in same.matches


def excludes(text: str, grain: Grain, term: Term) -> bool:
    """Return whether the query leaves out the value of ``term``."""
    return _excluding(parse(text, grain), term) is not None


def toggle(text: str, grain: Grain, term: Term) -> str:
    """Return the query with the (one) value of ``term`` added, or removed where it has it.

    Values of one field join to a list: one of them has to match. An exclusion of the value goes.
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
    """Return the query with the value of ``term`` left out, or no longer so where it was."""
    node = parse(text, grain)
    if (excluding := _excluding(node, term)) is not None:
        return _replace(text, excluding.extent, "")
    if has_value(text, grain, term):
        return exclude(toggle(text, grain, term), grain, term)
    return _append(text, node, f"-{term_text(term)}")


def set_term(text: str, grain: Grain, term: Term) -> str:
    """Return the query with ``term`` in place of all terms of its field; no matches: without it."""
    node = parse(text, grain)
    for other in reversed(_terms_of(node, term)):
        text = _replace(text, other.extent, "")
    return _append(text, parse(text, grain), term_text(term)) if term.matches else text


def without(text: str, extent: Extent) -> str:
    """Return the query without the characters of a node of its top level."""
    return _replace(text, extent, "")


def narrowed(text: str, grain: Grain, node: Node) -> str:
    """Return the query that also asks for ``node``."""
    addition = f"({to_text(node)})" if isinstance(node, Or) else to_text(node)
    return _append(text, parse(text, grain), addition)


def _terms_of(node: Node, term: Term) -> list[Term]:
    return [
        item
        for item in conjuncts(node)
        if isinstance(item, Term) and (item.field, item.key) == (term.field, term.key)
    ]


def _same_field(node: Node, term: Term) -> Term | None:
    """Return the first term at the top level that lists values of the field; of ranges, the same.

    Two ranges of a field narrow each other down, so they are terms of their own.
    """
    for other in _terms_of(node, term):
        lists = all(isinstance(match, Equal) for match in other.matches)
        if lists if isinstance(term.matches[0], Equal) else other == term:
            return other
    return None


def _excluding(node: Node, term: Term) -> Not | None:
    wanted = Term(term.field, term.key, term.matches)
    for item in conjuncts(node):
        if isinstance(item, Not) and item.item == wanted:
            return item
    return None


def _append(text: str, node: Node, addition: str) -> str:
    text = text.strip()
    if node == And(()):
        return addition
    # OR binds weaker than the space between two terms.
    return f"({text}) {addition}" if isinstance(node, Or) else f"{text} {addition}"


def _replace(text: str, extent: Extent, new: str) -> str:
    """Return the text with other characters in the extent, and one space where several meet."""
    before, after = text[: extent.start], text[extent.end :]
    if not new:
        before, after = before.rstrip(), after.lstrip()
        new = " " if before and after else ""
    return (before + new + after).strip()
