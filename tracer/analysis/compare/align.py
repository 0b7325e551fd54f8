"""Aligns the trees of two traces by path, name, and order among siblings.

The time is about linear: siblings are paired by the occurrences of their names, in the order that
leaves most of them in place, then what lies between these pairs is paired in the same way.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, NamedTuple

from tracer.analysis.forest import Forest

NONE: Final = -1
_ROUNDS: Final = 8
"""How often what lies between pairs is paired again."""


class Pair(NamedTuple):
    """A row: positions in both forests, NONE in the one that lacks the span."""

    then: int
    now: int
    depth: int
    moved: bool = False
    """Whether the span has another place among its siblings."""


def align(then: Forest, now: Forest) -> Iterator[Pair]:
    """Yield a row for each span of both trees, depth first, in the order of ``now``."""
    roots = _children_of(then, now, NONE, NONE)
    stack = [deque(Pair(a, b, 0, moved) for a, b, moved in _with_renamed(roots))]
    while stack:
        if not stack[-1]:
            stack.pop()
            continue
        pair = stack[-1].popleft()
        yield pair
        below = _children_of(then, now, pair.then, pair.now)
        stack.append(deque(Pair(a, b, pair.depth + 1, moved) for a, b, moved in below))


Place = tuple[int, int, bool]


def _children_of(then: Forest, now: Forest, a: int, b: int) -> list[Place]:
    """Return the aligned children of a pair; both NONE: the aligned roots."""
    is_root = a == b == NONE
    mine = list(then.roots()) if is_root else _children(then, a)
    theirs = list(now.roots()) if is_root else _children(now, b)
    places = pair_up([_key(then, p) for p in mine], [_key(now, p) for p in theirs])
    return [
        (NONE if i == NONE else mine[i], NONE if j == NONE else theirs[j], moved)
        for i, j, moved in places
    ]


def _children(forest: Forest, position: int) -> list[int]:
    return [] if position == NONE else list(forest.children(position))


def _key(forest: Forest, position: int) -> Hashable:
    return forest.kinds[position], forest.names[position]


def _with_renamed(roots: list[Place]) -> list[Place]:
    """Pair the roots where each trace has just one without a counterpart: it was renamed."""
    only_then = [place for place in roots if place[1] == NONE]
    only_now = [place for place in roots if place[0] == NONE]
    if len(only_then) != 1 or len(only_now) != 1:
        return roots
    renamed = (only_then[0][0], only_now[0][1], False)
    return [renamed if place is only_now[0] else place for place in roots if place != only_then[0]]


def pair_up(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Place]:
    """Return (index in a, index in b, moved) for two lists of names, in the order of ``b``.

    What ``a`` alone has comes before the next pair that both have in the same order.
    """
    in_order = dict(_in_order(a, b))
    moved = _moved(a, b, in_order)
    of_b = {j: i for i, j in moved.items()}
    places: list[Place] = []
    next_b = 0
    for i, end in [(i, in_order.get(i, NONE)) for i in range(len(a))] + [(NONE, len(b))]:
        if i != NONE and end == NONE:
            if i not in moved:
                places.append((i, NONE, False))
            continue
        places += [(of_b.get(j, NONE), j, j in of_b) for j in range(next_b, end)]
        if i != NONE:
            places.append((i, end, False))
        next_b = end + 1
    return places


def _moved(
    a: Sequence[Hashable], b: Sequence[Hashable], in_order: dict[int, int]
) -> dict[int, int]:
    """Return pairs of equal names that have another order: siblings that ran at the same time."""
    taken = set(in_order.values())
    free: dict[Hashable, deque[int]] = defaultdict(deque)
    for j, name in enumerate(b):
        if j not in taken:
            free[name].append(j)
    return {
        i: free[name].popleft() for i, name in enumerate(a) if i not in in_order and free.get(name)
    }


def _in_order(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Yield pairs of equal names whose indexes rise in both lists."""
    gaps = [(0, len(a), 0, len(b), _ROUNDS)]
    while gaps:
        a_from, a_to, b_from, b_to, rounds = gaps.pop()
        while a_from < a_to and b_from < b_to and a[a_from] == b[b_from]:
            yield a_from, b_from
            a_from, b_from = a_from + 1, b_from + 1
        while a_from < a_to and b_from < b_to and a[a_to - 1] == b[b_to - 1]:
            a_to, b_to = a_to - 1, b_to - 1
            yield a_to, b_to
        if a_from == a_to or b_from == b_to or not rounds:
            continue
        anchors = _longest_rise(_by_occurrence(a, b, (a_from, a_to), (b_from, b_to)))
        yield from anchors
        for i, j in [*anchors, (a_to, b_to)] if anchors else []:
            gaps.append((a_from, i, b_from, j, rounds - 1))
            a_from, b_from = i + 1, j + 1


def _by_occurrence(
    a: Sequence[Hashable], b: Sequence[Hashable], of_a: tuple[int, int], of_b: tuple[int, int]
) -> list[tuple[int, int]]:
    """Pair the nth occurrence of a name in one range with the nth in the other."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for j in range(*of_b):
        waiting[b[j]].append(j)
    return [(i, waiting[a[i]].popleft()) for i in range(*of_a) if waiting.get(a[i])]


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of the pairs, whose first indexes rise, with rising second ones."""
    ends: list[int] = []
    at_end: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(at_end[length - 1] if length else NONE)
        ends[length : length + 1] = [j]
        at_end[length : length + 1] = [number]
    rise = []
    number = at_end[-1] if at_end else NONE
    while number != NONE:
        rise.append(pairs[number])
        number = before[number]
    return rise[::-1]
