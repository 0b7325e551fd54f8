"""The page “What differs”: attributes more or less frequent in a selection than in a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final

from flask import request, url_for

from tracer.errors import Invalid, TooSlow
from tracer.query import edit
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.tree import Not
from tracer.ui.base.representations import Representations, html_and_json
from tracer.ui.lists.frame import periods
from tracer.ui.lists.kinds import TRACES
from tracer.ui.query.list_query import ListQuery
from tracer.ui.render.format import count, duration, money
from tracer.web.answers.differences import (
    Difference,
    DifferenceAnswer,
    DifferingValue,
    NumberDifference,
)
from tracer.web.comparisons import BEFORE, REST, compare_selection

_NAMES: Final = {
    "latency": "Duration",
    "spans": "Spans",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "cost": "Cost",
}
_MIN_SHARE: Final = 0.5
_GROUP_RATIO: Final = 2.0
"""How many times as often a value must occur for a smaller group to be named."""
_HEIGHT: Final = 30
"""Of the bars of one side, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """A bar upwards for the selection and one downwards for the baseline, with their tooltip."""

    x: float
    width: float
    selected: float
    baseline: float
    title: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The differences that the sentence at the top of the page names."""

    most: list[Difference]
    """Values that half of the selected traces have, or more; at most two."""
    group: Difference | None
    """The most significant value that fewer of them have."""
    less: Difference | None
    """If there is neither: the value that is most significantly less frequent."""

    @classmethod
    def of(cls, answer: DifferenceAnswer) -> Summary:
        """Return the most significant differences of an answer."""
        most = [row for row in answer.more_frequent if row.selected_share >= _MIN_SHARE][:2]
        rest = (row for row in answer.more_frequent if row.selected_share < _MIN_SHARE)
        group = next((row for row in rest if (row.ratio or _GROUP_RATIO) >= _GROUP_RATIO), None)
        less = None if most or group else next(iter(answer.less_frequent), None)
        return cls(most, group, less)


class DiffersPage:
    """What the page shows: the answer, its tabs and its links back to lists."""

    def __init__(self, project_id: str) -> None:
        path = url_for("ui.differs", project_id=project_id)
        self.query = ListQuery(request.args, Grain.TRACE, path, keep=("against",))
        self.against = BEFORE if request.args.get("against") == BEFORE else REST
        self.problem = ""
        self._list = ListQuery(request.args, Grain.TRACE, TRACES.url(project_id))
        self._project_id = project_id

    @cached_property
    def answer(self) -> DifferenceAnswer | None:
        """The answer; None: nothing can be compared, and `problem` is set to the reason."""
        try:
            return self.read()
        except (Invalid, TooSlow) as error:
            self.problem = f"{error}".removeprefix("against: ")
            return None

    def read(self) -> DifferenceAnswer:
        """Return the answer; raises Invalid, TooSlow."""
        return compare_selection(self._project_id, self.query.node, self.against)

    def tab_url(self, against: str) -> str:
        """Return the address of the comparison with other traces."""
        return self.query.url(against=against if against != REST else "")

    def only_url(self, term: str, *, match: bool = True) -> str:
        """Return the list of the selected traces that match a term as well, or do not."""
        node = parse(term, Grain.TRACE)
        if not match:
            node = node.item if isinstance(node, Not) else Not(node)
        return self._list.url(edit.narrowed(self._list.shown, Grain.TRACE, node))

    @property
    def list_url(self) -> str:
        """The list of the selected traces."""
        return self._list.url()


@html_and_json("/project/<project_id>/differs")
def differs(project_id: str) -> Representations:
    """Show which attributes are more or less frequent in the selected traces than in others."""
    page = DiffersPage(project_id)
    return Representations(
        "compared/differs.html",
        context=lambda: {
            "page": page,
            "query": page.query,
            "answer": page.answer,
            "summary": Summary.of(page.answer) if page.answer else None,
            "kind": TRACES,
            "periods": periods(Grain.TRACE),
            "share": share,
            "times": times,
            "number_fields": _NAMES,
            "distributions": [(each, _NAMES[each.field]) for each in _distributions(page)],
            "drawn": drawn,
            "shown": shown_number,
        },
        data=lambda: page.query.valid() and page.read(),
    )


def _distributions(page: DiffersPage) -> list[NumberDifference]:
    return page.answer.numbers if page.answer else []


def share(value: float) -> str:
    """Return a share as percent: ``87 %``, ``4.5 %``, ``0.3 %``."""
    percent = 100 * value
    return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"


def times(value: DifferingValue) -> str:
    """Return how many times as often the selection has the attribute: ``29``, ``1.5``, ``0.39``."""
    if value.ratio is None:
        return "∞"
    return f"{value.ratio:.0f}" if value.ratio >= 9.95 else f"{value.ratio:.2g}"


def shown_number(field: str, value: float) -> str:
    """Return a number of a field with its unit."""
    if field == "latency":
        return duration(timedelta(seconds=value))
    return money(Decimal(str(value))) if field == "cost" else count(round(value))


def drawn(number: NumberDifference) -> list[DrawnBar]:
    """Return the bars of both sides, each side relative to its largest bar."""
    max_selected = max(1, *(bar.selected for bar in number.bars))
    max_baseline = max(1, *(bar.baseline for bar in number.bars))
    width = 100 / len(number.bars)
    return [
        DrawnBar(
            x=round(index * width, 2),
            width=round(width * 0.84, 2),
            selected=round(_HEIGHT * bar.selected / max_selected, 1),
            baseline=round(_HEIGHT * bar.baseline / max_baseline, 1),
            title=f"{shown_number(number.field, bar.low)} to"
            f" {shown_number(number.field, bar.high)}: {bar.selected:,} against {bar.baseline:,}",
        )
        for index, bar in enumerate(number.bars)
    ]
