"""Splits the text of a query, valid or not, into segments that the page colours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tracer.query.errors import QueryError

_SEGMENT: Final = re.compile(
    r"(?P<space>\s+)"
    r'|(?P<field>-?[A-Za-z_][\w-]*(?:\.(?:"(?:[^"\\]|\\.)*"|[^\s:()",]+))?:)'
    r"|(?P<group>-?[A-Za-z_]*\(|\))"
    r"|(?P<operator>(?:AND|OR|NOT)(?![^\s()\"])|>>?(?=\s))"
    r'|(?P<text>-?"(?:[^"\\]|\\.)*"?|[^\s()"]+)',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """Some characters of a query, all of one kind."""

    kind: str
    """``field``, ``value``, ``text``, ``operator``, ``group`` or ``space``."""
    text: str
    wrong: bool = False


def segments(text: str, error: QueryError | None = None) -> list[Segment]:
    """Return the segments of the text in order; those at the position of ``error`` are wrong."""
    parts: list[Segment] = []
    for match in _SEGMENT.finditer(text):
        kind = match.lastgroup or "text"
        if kind == "text" and parts and parts[-1].kind == "field":
            kind = "value"
        parts += _split_at_error(Segment(kind, match[0]), match.start(), error)
    return parts


def _split_at_error(segment: Segment, start: int, error: QueryError | None) -> list[Segment]:
    """Return the segment, split where the wrong characters begin and end."""
    if error is None:
        return [segment]
    end = start + len(segment.text)
    cuts = [start, *(cut for cut in (error.start, error.end) if start < cut < end), end]
    return [
        Segment(
            segment.kind,
            segment.text[low - start : high - start],
            wrong=error.start <= low < error.end,
        )
        for low, high in pairwise(cuts)
    ]
