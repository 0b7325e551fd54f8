"""The texts of flags, which are data problems of a span."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """The texts of one flag: a word for the row, a sentence for the panel."""

    short: str
    text: str


FLAGS = {
    "truncated": Flag("truncated", "A value exceeded the limit of this server and was truncated."),
    "cleaned": Flag(
        "cleaned",
        "It contained characters that were replaced, or numbers out of the range of floats.",
    ),
    "dropped": Flag("dropped", "The SDK dropped attributes, events or links before sending."),
    "unreconciled": Flag("counts", "Its token counts contradict each other: see the tab Mapping."),
    "self_parent": Flag("own parent", "It names itself as its parent, so it is shown as a root."),
    "cycle": Flag("cycle", "Its ancestors form a cycle, so it is shown as a root."),
    "first_token_outside": Flag(
        "first token", "The time of its first token is not between its start and its end."
    ),
    "end_before_start": Flag("clock", "It ended before it started: two clocks disagree."),
}
