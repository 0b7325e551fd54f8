"""Mapping quality: how many spans of a project were mapped, by dialect and by problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tracer.store.counters.read import (
    MappingCount,
    MeasureTotal,
    list_mapping_counts,
    mapping_totals,
)
from tracer.ui.base.blueprint import bp
from tracer.ui.base.numbered_pages import NumberedPage
from tracer.ui.base.rendering import render
from tracer.ui.render.flags import FLAGS

_NO_DIALECT = "unknown dialect"
_NO_MODEL = "no model name"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One count; its share is in percent of all spans."""

    label: str
    note: str
    number: int
    share: float
    tab: str
    """The tab of an example's panel that shows the counted property."""
    examples: Sequence[tuple[str, str]]
    unpriced: str | None
    """The model for which a price can be added."""
    unnamed: bool
    """The label stands for a missing name."""


@dataclass(frozen=True, slots=True)
class Table:
    """A page of the counts of one measure; ``empty`` is shown if it has no value at all."""

    title: str
    about: str
    heading: str
    """Of the first column."""
    empty: str
    values: int
    """How many values there are on all pages."""
    lines: list[Line] = field(default_factory=list)


_WITHOUT = {
    "without model": "no attribute names the model, so the call has no price",
    "without tokens": "no attribute has the usage: look for it among the unmapped ones",
}


@bp.get("/project/<project_id>/mapping")
def mapping_quality(project_id: str) -> str:
    """Show spans by dialect, and generations without model, tokens or price, with examples."""
    page = NumberedPage.from_request()
    totals = mapping_totals(project_id)
    counts = list_mapping_counts(project_id, page.offset)
    total = totals["dialect"].number if "dialect" in totals else 0
    maximum = max((measure.values for measure in totals.values()), default=0)
    return render(
        "project/mapping_quality.html",
        total=total,
        tables=_tables(counts, totals, total),
        first=page.number == 1,
        newer=page.newer(),
        older=page.older(maximum),
    )


def _tables(
    counts: Sequence[MappingCount], totals: Mapping[str, MeasureTotal], total: int
) -> list[Table]:
    by_measure: dict[str, list[MappingCount]] = {}
    for count in counts:
        by_measure.setdefault(count.measure, []).append(count)

    def lines(measure: str) -> list[Line]:
        return [_line(count, total) for count in by_measure.get(measure, ())]

    def values(measure: str) -> int:
        return totals[measure].values if measure in totals else 0

    return [
        Table(
            "Dialects",
            "The dialect of the first mapped attribute of each span.",
            "Dialect",
            "",
            values("dialect"),
            lines("dialect"),
        ),
        Table(
            "Incomplete generations",
            "Finished model calls without a model or without tokens.",
            "Missing",
            "Every generation has a model and tokens.",
            values("generation"),
            lines("generation"),
        ),
        Table(
            "Models without a price",
            "Spans with tokens, whose model has no known price.",
            "Model",
            "Every span with tokens has a price.",
            values("unpriced"),
            lines("unpriced"),
        ),
        Table(
            "Flags",
            "Spans with a data problem: truncated or changed values, contradicting times.",
            "Flag",
            "No span has a data problem.",
            values("flag"),
            lines("flag"),
        ),
    ]


def _line(count: MappingCount, total: int) -> Line:
    label, note, unnamed = count.value, "", False
    if count.measure == "dialect":
        label, unnamed = label or _NO_DIALECT, not label
    elif count.measure == "generation":
        note = _WITHOUT.get(label, "")
    elif count.measure == "unpriced":
        label, unnamed = label or _NO_MODEL, not label
    elif label in FLAGS:
        note = FLAGS[label].text
    return Line(
        label=label,
        note=note,
        number=count.number,
        share=100 * count.number / total if total else 0,
        tab="io" if count.measure == "unpriced" else "mapping",
        examples=count.examples,
        unpriced=count.value if count.measure == "unpriced" and count.value else None,
        unnamed=unnamed,
    )
