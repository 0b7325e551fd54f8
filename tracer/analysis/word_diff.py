"""The difference of two texts by words."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final, NamedTuple

_WORDS: Final = re.compile(r"\s+|\w+|[^\w\s]")
_MAX_WORDS: Final = 600
"""Words compared from the first difference on: the time grows with their square."""

_CHARACTERS_PER_WORD: Final = 12
"""More than almost any average, so that the compared part has `_MAX_WORDS` words."""
EQUAL: Final = "equal"
REMOVED: Final = "removed"
ADDED: Final = "added"
CUT: Final = "cut"
"""Text that is not shown: equal text far from a change, or what lies beyond the limit."""


class Piece(NamedTuple):
    """A run of text, and whether it is equal, added, removed, or cut."""

    change: str
    text: str


def word_diff(before: str, after: str, *, around: int = 60) -> list[Piece]:
    """Return the pieces from shortly before the first difference on; []: the texts are equal.

    ``around``: characters of equal text that are kept on each side of a change.
    """
    start = first_difference(before, after)
    if start is None:
        return []
    # Begin with a word that both texts have, shortly before the difference.
    begin = before.rfind(" ", 0, max(0, start - 2 * around)) + 1
    end = start + _MAX_WORDS * _CHARACTERS_PER_WORD
    old, new = _WORDS.findall(before[begin:end]), _WORDS.findall(after[begin:end])
    pieces = _compared(old[:_MAX_WORDS], new[:_MAX_WORDS])
    shown = _shortened(pieces, around)
    if max(len(old), len(new)) > _MAX_WORDS or max(len(before), len(after)) > end:
        shown.append(Piece(CUT, ""))
    return [Piece(CUT, ""), *shown] if begin else shown


def first_difference(before: str, after: str) -> int | None:
    """Return the index of the first differing character; None: the texts are equal."""
    if before == after:
        return None
    shorter = min(len(before), len(after))
    low, high = 0, shorter
    # By halves: comparing slices is far faster than comparing characters one by one.
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def runs(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """Return both texts side by side, run by run: equal runs, or a run and its replacement.

    An added or removed run is beside an empty one.
    """
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [("".join(old[a:b]), "".join(new[c:d])) for _, a, b, c, d in opcodes]


def _compared(old: list[str], new: list[str]) -> list[Piece]:
    pieces: list[Piece] = []
    for removed, added in _joined(runs(old, new)):
        if removed == added:
            pieces.append(Piece(EQUAL, added))
            continue
        if removed:
            pieces.append(Piece(REMOVED, removed))
        if added:
            pieces.append(Piece(ADDED, added))
    return pieces


def _joined(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs with replaced words joined that only equal white space keeps apart.

    A sentence in place of another one is then two sentences, not word beside word.
    """
    joined: list[tuple[str, str]] = []
    for removed, added in pairs:
        if len(joined) > 1 and removed and added and removed != added:
            (old, new), (gap, same) = joined[-2:]
            if old and new and old != new and gap == same and gap.isspace():
                joined[-2:] = [(old + gap + removed, new + gap + added)]
                continue
        joined.append((removed, added))
    return joined


def _shortened(pieces: list[Piece], around: int) -> list[Piece]:
    """Cut equal text that is farther than ``around`` characters from a change."""
    short: list[Piece] = []
    for index, (change, text) in enumerate(pieces):
        if change != EQUAL or len(text) <= 2 * around:
            short.append(Piece(change, text))
            continue
        if index > 0:
            short.append(Piece(EQUAL, text[:around]))
        short.append(Piece(CUT, ""))
        if index < len(pieces) - 1:
            short.append(Piece(EQUAL, text[-around:]))
    return short
