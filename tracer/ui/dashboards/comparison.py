"""Groups of model calls side by side: what is measured of each, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracer.dashboards.tile_questions import of_grain
from tracer.measure.compare import Estimate
from tracer.measure.question import Question
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.store.measure import comparison
from tracer.store.measure.answer import answer
from tracer.store.measure.comparison import Side
from tracer.ui.charts.units import Unit
from tracer.ui.render.time_zone import visitor_clock

BY: Final = {
    "model": "Models",
    "prompt": "Prompts",
    "prompt_version": "Prompt versions",
    "release": "Releases",
    "env": "Environments",
}
MAX_GROUPS: Final = 4
_OFFERED: Final = 20
_SCORES: Final = 3
_MEASURES: Final = (
    ("Latency p50", Unit.SECONDS, True, "latency_p50"),
    ("Latency p95", Unit.SECONDS, True, "latency_p95"),
    ("First token p50", Unit.SECONDS, True, "first_token"),
    ("Tokens per second p50", Unit.NUMBER, False, "speed"),
    ("Cost per call", Unit.DOLLARS, True, "cost_per_call"),
    ("Cost per trace", Unit.DOLLARS, True, "cost_per_trace"),
    ("Input from cache", Unit.SHARE, False, "cached"),
    ("Failed calls", Unit.SHARE, True, "errors"),
    ("Answers cut off", Unit.SHARE, True, "cut_off"),
)
"""By row: its name, unit, whether less is better, and the attribute of a side."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of every group: its name and unit, which change is good, and the estimates."""

    name: str
    unit: Unit
    less_is_better: bool
    estimates: list[Estimate | None]


@dataclass(frozen=True, slots=True)
class Calls:
    """What is compared: groups of a field, of the calls that a query selects, in a range."""

    project_id: str
    by: str
    query: str
    """On traces."""
    since: str
    until: str

    def question(self, **fields: object) -> Question:
        """Return a question about the model calls of the query's traces in the range."""
        query = to_text(of_grain(parse(self.query), Grain.SPAN))
        values: dict[str, object] = {"grain": "generations", "query": query, **fields}
        return Question(since=self.since, until=self.until, **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Group:
    """A value of the field, the number of its calls, and the query of their list."""

    value: str
    count: int
    query: str


def groups_of(calls: Calls) -> list[Group]:
    """Return the groups that can be compared, those with the most calls first."""
    question = calls.question(group_by=(calls.by,), limit=_OFFERED)
    counted = answer(calls.project_id, question, visitor_clock())
    return [
        Group(value, row.count, counted.query(row))
        for row in counted.rows
        if (value := row.groups[0])
    ]


def compare(calls: Calls, groups: Sequence[Group]) -> tuple[list[int], list[Measured]]:
    """Return (numbers of traces with such calls, what is measured of the groups)."""
    values = [group.value for group in groups]
    question, clock = calls.question(), visitor_clock()
    sides = comparison.compare(calls.project_id, calls.by, values, question, clock)
    figures = [
        Measured(name, unit, less_is_better, [getattr(side, attribute) for side in sides])
        for name, unit, less_is_better, attribute in _MEASURES
    ]
    return [side.traces for side in sides], figures + _scores(sides)


def _scores(sides: Sequence[Side]) -> list[Measured]:
    """Return the means of the most frequent scores."""
    counts: Counter[str] = Counter()
    for side in sides:
        counts.update({name: mean.count for name, mean in side.scores.items()})
    return [
        Measured(name, Unit.NUMBER, False, [side.scores.get(name) for side in sides])
        for name, _ in counts.most_common(_SCORES)
    ]
