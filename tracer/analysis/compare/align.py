"""Aligns the trees of two traces by path, name, and order among siblings.

The time is about linear: siblings with equal names are paired so that most of them keep their
order; then the siblings between these pairs are paired in the same way.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, NamedTuple

from tracer.analysis.forest import Forest

NONE: Final = -1
_ROUNDS: Final = 8
"""Greatest number of times that the siblings between pairs are paired again."""


class Pair(NamedTuple):
    """A row: positions in both forests, NONE in the one that lacks the span."""

    then: int
    now: int
    depth: int
    moved: bool = False
    """Whether the span's order among its siblings differs."""


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


Aligned = tuple[int, int, bool]
"""Index or position on both sides, NONE on the one that lacks it; whether it moved."""


def _children_of(then: Forest, now: Forest, then_parent: int, now_parent: int) -> list[Aligned]:
    """Return the aligned children of a pair; both NONE: the aligned roots."""
    are_roots = then_parent == now_parent == NONE
    then_children = list(then.roots()) if are_roots else _children(then, then_parent)
    now_children = list(now.roots()) if are_roots else _children(now, now_parent)
    aligned = pair_up([_key(then, p) for p in then_children], [_key(now, p) for p in now_children])
    return [
        (NONE if i == NONE else then_children[i], NONE if j == NONE else now_children[j], moved)
        for i, j, moved in aligned
    ]


def _children(forest: Forest, position: int) -> list[int]:
    return [] if position == NONE else list(forest.children(position))


def _key(forest: Forest, position: int) -> Hashable:
    return forest.kinds[position], forest.names[position]


def _with_renamed(roots: list[Aligned]) -> list[Aligned]:
    """Pair the roots where each trace has just one without a counterpart: it was renamed."""
    only_then = [root for root in roots if root[1] == NONE]
    only_now = [root for root in roots if root[0] == NONE]
    if len(only_then) != 1 or len(only_now) != 1:
        return roots
    renamed = (only_then[0][0], only_now[0][1], False)
    return [renamed if root is only_now[0] else root for root in roots if root != only_then[0]]


def pair_up(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Aligned]:
    """Return (index in a, index in b, moved) for two lists of names, in the order of ``b``.

    Names that only ``a`` has come before the next pair in equal order.
    """
    in_order = dict(_in_order(a, b))
    moved = _moved(a, b, in_order)
    of_b = {j: i for i, j in moved.items()}
    aligned: list[Aligned] = []
    next_b = 0
    for i, end in [(i, in_order.get(i, NONE)) for i in range(len(a))] + [(NONE, len(b))]:
        if i != NONE and end == NONE:
            if i not in moved:
                aligned.append((i, NONE, False))
            continue
        aligned += [(of_b.get(j, NONE), j, j in of_b) for j in range(next_b, end)]
        if i != NONE:
            aligned.append((i, end, False))
        next_b = end + 1
    return aligned


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
    # By the length of a rise, less one: the least index that ends one, and the number of its pair.
    least_ends: list[int] = []
    last_pairs: list[int] = []
    previous_pairs: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(least_ends, j)
        previous_pairs.append(last_pairs[length - 1] if length else NONE)
        least_ends[length : length + 1] = [j]
        last_pairs[length : length + 1] = [index]
    rise = []
    index = last_pairs[-1] if last_pairs else NONE
    while index != NONE:
        rise.append(pairs[index])
        index = previous_pairs[index]
    return rise[::-1]
