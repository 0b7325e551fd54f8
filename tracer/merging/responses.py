"""Finds spans that report the same response, of which one is included in totals. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from tracer.merging.reports import Node, UsageTotal


class Repeats(NamedTuple):
    """The spans that report the same response as another span."""

    excluded: set[str]
    """All but one of the spans of each response."""
    fuller: dict[str, str]
    """Excluded spans that take the place of the included span below them, to that span."""


def repeats_of_responses(
    responses: Iterable[Collection[Node]], parents: Mapping[str, str | None]
) -> Repeats:
    """Return which spans of each response are excluded: all but one.

    ``parents`` has the parents of the spans and of all their ancestors.
    """
    repeats = Repeats(set(), {})
    for members in responses:
        if len(members) > 1:
            _add_repeats(repeats, {member.span_id: member for member in members}, parents)
    return repeats


def _add_repeats(
    repeats: Repeats, members: dict[str, Node], parents: Mapping[str, str | None]
) -> None:
    ancestors: set[str] = set()
    for span_id in members:
        for ancestor in _ancestors(span_id, parents):
            if ancestor in ancestors:
                break
            ancestors.add(ancestor)
    included = max(
        (member for span_id, member in members.items() if span_id not in ancestors), key=_preference
    )
    repeats.excluded.update(members.keys() - {included.span_id})
    above = (members.get(ancestor) for ancestor in _ancestors(included.span_id, parents))
    fuller = [member for member in above if member and _is_fuller(member, included)]
    if fuller:
        best = max(fuller, key=lambda member: (member.details, member.span_id))
        repeats.fuller[best.span_id] = included.span_id


def _preference(node: Node) -> tuple[bool, int, bool, int, Decimal, str]:
    """Return the sort key of spans with one response: the greatest one is included in totals."""
    usage = node.usage or UsageTotal()
    # Of equal types the cheaper report: in the other, cached tokens are priced as plain ones.
    return (
        not node.secondary_report,
        usage.tokens,
        bool(usage.dollars),
        node.details,
        -usage.dollars,
        node.span_id,
    )


def _is_fuller(node: Node, below: Node) -> bool:
    """Return whether a span has the same numbers as one below it by more types of tokens.

    A report without cached tokens may also lack their number. An unpriced report takes the place of
    no priced one.
    """
    if node.usage is None or below.usage is None or node.is_reported_sum:
        return False
    if node.details <= below.details or (below.usage.dollars and not node.usage.dollars):
        return False
    return (
        node.usage.equals(below.usage)
        or below.tokens_by_type.items() <= node.tokens_by_type.items()
    )


def _ancestors(span_id: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    parent = parents.get(span_id)
    while parent is not None:
        yield parent
        parent = parents.get(parent)
