"""The page that says how well a project's spans are understood, with examples of what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import render_template

from tracer.store.counters.read import MappingCount, list_mapping_counts
from tracer.ui.base.blueprint import bp
from tracer.ui.render.flags import FLAGS

_NO_DIALECT = "none that is known"
_NO_MODEL = "no model named"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One count; its share is in percent of all spans."""

    label: str
    note: str
    number: int
    share: float
    tab: str
    """Of an example's panel, where it shows what is counted."""
    examples: Sequence[tuple[str, str]]
    unpriced: str | None
    """The model that a price can be added for."""
    quiet: bool
    """There is nothing to name it by."""


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one measure; ``fine`` is said where there are none."""

    title: str
    about: str
    first: str
    fine: str
    lines: list[Line] = field(default_factory=list)


_WITHOUT = {
    "without model": "nothing says which model was called, so there is no price",
    "without tokens": "nothing says how much was used: look for usage that no dialect knows",
}


@bp.get("/project/<project_id>/understanding")
def understanding(project_id: str) -> str:
    """Show spans by dialect, and what generations lack, linked to examples."""
    tallies = list_mapping_counts(project_id)
    total = sum(tally.number for tally in tallies if tally.measure == "dialect")
    return render_template("understanding.html", total=total, tables=_tables(tallies, total))


def _tables(tallies: Sequence[MappingCount], total: int) -> list[Table]:
    by: dict[str, list[MappingCount]] = {}
    for tally in tallies:
        by.setdefault(tally.measure, []).append(tally)

    def lines(measure: str) -> list[Line]:
        return [_line(tally, total) for tally in by.get(measure, ())]

    return [
        Table(
            "Dialects",
            "The dialect whose attributes were understood first, span by span.",
            "Dialect",
            "",
            lines("dialect"),
        ),
        Table(
            "Generations that lack something",
            "Finished model calls without a model or without tokens.",
            "What is missing",
            "No generation lacks its model or its tokens.",
            lines("generation"),
        ),
        Table(
            "Models without a price",
            "Spans that say their tokens, of models that no price is known for.",
            "Model",
            "No span that says its tokens lacks a price.",
            lines("unpriced"),
        ),
        Table(
            "Flags",
            "What was cut, cleaned or could not be as it was sent.",
            "Flag",
            "No span was changed on its way here.",
            lines("flag"),
        ),
    ]


def _line(tally: MappingCount, total: int) -> Line:
    label, note, quiet = tally.value, "", False
    if tally.measure == "dialect":
        label, quiet = label or _NO_DIALECT, not label
    elif tally.measure == "generation":
        note = _WITHOUT.get(label, "")
    elif tally.measure == "unpriced":
        label, quiet = label or _NO_MODEL, not label
    elif label in FLAGS:
        note = FLAGS[label].text
    return Line(
        label=label,
        note=note,
        number=tally.number,
        share=100 * tally.number / total if total else 0,
        tab="io" if tally.measure == "unpriced" else "understood",
        examples=tally.examples,
        unpriced=tally.value if tally.measure == "unpriced" and tally.value else None,
        quiet=quiet,
    )
