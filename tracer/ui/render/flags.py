"""Flags: the data problems of a span, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """What a reader must know of a span: a word for its row, a sentence for its panel."""

    short: str
    text: str


FLAGS = {
    "truncated": Flag("cut", "A value was longer than this server keeps, and was cut."),
    "cleaned": Flag("cleaned", "It held characters or numbers that can't be stored as they were."),
    "dropped": Flag("dropped", "The SDK left something out before it was sent."),
    "unreconciled": Flag("counts", "Its counts of tokens contradict each other: see the mapping."),
    "self_parent": Flag("own parent", "It names itself as its parent, so it is shown as a root."),
    "cycle": Flag("circle", "Its parents form a circle, so it is shown flat."),
    "first_token_outside": Flag("first token", "Its first token came outside of its own time."),
    "end_before_start": Flag("clock", "It ended before it started: two clocks disagree."),
}
