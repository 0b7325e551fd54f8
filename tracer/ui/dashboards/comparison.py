"""Groups of model calls side by side: what is measured of each, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tracer.analysis import significance
from tracer.analysis.significance import Estimate
from tracer.dashboards.asking import of_grain
from tracer.measure.answer import Answer, Row
from tracer.measure.question import Question
from tracer.query.edit import narrowed
from tracer.query.fields import Grain, field_of
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import SpanPath, Spans, Term, conjuncts
from tracer.store.measure.answer import answer
from tracer.ui.charts.units import Unit

BY: Final = {
    "model": "Models",
    "prompt": "Prompts",
    "prompt_version": "Prompt versions",
    "release": "Releases",
    "env": "Environments",
}
MOST_GROUPS: Final = 4
_OFFERED: Final = 20
_SCORES: Final = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure of every group: its name and unit, which change is good, and the estimates."""

    name: str
    unit: Unit
    less_is_better: bool
    estimates: list[Estimate | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared: groups of a field, of the calls that a query selects, in a range."""

    project_id: str
    by: str
    query: str
    """On traces."""
    since: str
    until: str

    def question(self, query: str = "", **fields: object) -> Question:
        """Return a question about model calls in the range."""
        values: dict[str, object] = {"grain": "generations", "query": query, **fields}
        return Question(since=self.since, until=self.until, **values)  # type: ignore[arg-type]

    def ask(self, query: str = "", **fields: object) -> Answer:
        """Return the answer to such a question."""
        return answer(self.project_id, self.question(query, **fields))


def groups_of(asked: Asked) -> list[Row]:
    """Return the groups that can be compared, those with the most calls first."""
    query = to_text(of_grain(parse(asked.query), Grain.SPAN))
    rows = asked.ask(query, group_by=(asked.by,), limit=_OFFERED).rows
    return [row for row in rows if row.groups[0]]


def compare(asked: Asked, groups: list[Row]) -> list[Measured]:
    """Return what is measured of the groups, in the order of the page."""
    calls = [row.query for row in groups]
    traces = [_traces(asked, query) for query in calls]
    counts = [row.count for row in groups]

    def percentile(field: str, percent: float) -> list[Estimate | None]:
        return [_percentile(asked, query, field, percent) for query in calls]

    def of_calls(part: str) -> list[Estimate | None]:
        return [
            _share(asked, query, part, count) for query, count in zip(calls, counts, strict=True)
        ]

    return [
        Measured("Latency p50", Unit.SECONDS, True, percentile("latency", 50)),
        Measured("Latency p95", Unit.SECONDS, True, percentile("latency", 95)),
        Measured("First token p50", Unit.SECONDS, True, percentile("first_token", 50)),
        Measured("Tokens per second p50", Unit.NUMBER, False, percentile("speed", 50)),
        Measured("Cost per call", Unit.DOLLARS, True, [_mean(asked, q, "cost") for q in calls]),
        Measured(
            *("Cost per trace", Unit.DOLLARS, True),
            [_mean(asked, query, "cost", grain="traces") for query in traces],
        ),
        Measured("Failed calls", Unit.SHARE, True, of_calls("status:error")),
        Measured("Answers cut off", Unit.SHARE, True, of_calls("finish:length")),
        *_scores(asked, traces),
    ]


def _traces(asked: Asked, query: str) -> str:
    """Return the query of the traces with such calls."""
    node = parse(query, Grain.SPAN)
    field = field_of(Grain.TRACE, asked.by)
    terms = [item for item in conjuncts(node) if isinstance(item, Term)]
    own = [term for term in terms if term.field.name == asked.by]
    if field is not None and own:
        return narrowed(asked.query, Grain.TRACE, Term(field, None, own[-1].matches))
    return narrowed(asked.query, Grain.TRACE, Spans("any", SpanPath((node,), ())))


def _percentile(asked: Asked, query: str, field: str, percent: float) -> Estimate | None:
    count = asked.ask(query, measure="percentile", field=field, percents=(percent,)).rows[0].count
    if not count:
        return None
    low, high = significance.ranks(percent, count)
    percents = tuple(sorted({round(low, 2), percent, round(high, 2)}))
    rows = asked.ask(query, measure="percentile", field=field, percents=percents).rows
    values = [float(row.value) for row in rows if row.value is not None]
    middle = next(float(row.value or 0) for row in rows if row.percent == percent)
    return Estimate(middle, min(values), max(values), count)


def _share(asked: Asked, query: str, part: str, count: int) -> Estimate | None:
    row = asked.ask(query, measure="ratio", part=part).rows[0]
    return significance.share(round(float(row.value or 0) * count), count)


def _mean(asked: Asked, query: str, field: str, **fields: object) -> Estimate | None:
    exact = asked.ask(query, measure="average", field=field, **fields).rows[0].value
    bins = asked.ask(query, shape="histogram", field=field, **fields).bins
    values = [((each.low + each.high) / 2, each.count) for each in bins]
    return significance.mean(values, None if exact is None else float(exact))


def _scores(asked: Asked, traces: list[str]) -> list[Measured]:
    """Return the means of the most frequent scores."""
    whole = asked.ask(asked.query, grain="scores", group_by=("score_name",), limit=_SCORES)
    result = []
    for row in whole.rows:
        named = row.groups[0]
        if named is None:
            continue
        means = [_score(asked, query, named) for query in traces]
        if any(means):
            result.append(Measured(named, Unit.NUMBER, False, means))
    return result


def _score(asked: Asked, query: str, name: str) -> Estimate | None:
    """Return the mean of a score, and its spread by the values that it has."""
    found = asked.ask(
        query, grain="scores", measure="average", field="value", group_by=("score_name",), limit=50
    )
    row = next((each for each in found.rows if each.groups[0] == name), None)
    if row is None or row.value is None:
        return None
    values = asked.ask(query, grain="scores", group_by=("score_name", "value"), limit=100).rows
    pairs = [(_number(each.groups[1]), each.count) for each in values if each.groups[0] == name]
    known = [(value, count) for value, count in pairs if value is not None]
    return significance.mean(known, float(row.value), row.count)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
