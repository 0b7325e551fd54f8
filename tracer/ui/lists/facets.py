"""The facets beside a list of traces: values with counts, whose clicks edit the query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tracer.errors import TooSlow
from tracer.query.edit import edits_of, excludes, has_value, toggle
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.tree import Between, Compare, Equal, Not, Term, conjuncts
from tracer.store.query.facets import Facets, Value, count_facets
from tracer.store.query.ranges import RANGES, range_texts
from tracer.store.query.score_facet import ScoreValue, count_scores
from tracer.store.users.facets import MAX_TRACES, MAX_USERS, count_user_facets
from tracer.ui.lists.lengths import beginning, length_of
from tracer.ui.query.list_query import ListQuery, one_term

SHOWN: Final = {
    Grain.TRACE: {
        "status": "Status",
        "name": "Name",
        "model": "Model",
        "env": "Environment",
        "latency": "Duration",
        "cost": "Cost",
        "tokens": "Tokens",
        "tag": "Tag",
        "user": "User",
        "release": "Release",
    },
    Grain.SPAN: {
        "kind": "Kind",
        "status": "Status",
        "level": "Level",
        "name": "Name",
        "model": "Model",
        "latency": "Duration",
        "cost": "Cost",
        "tokens": "Tokens",
    },
    Grain.SESSION: {
        "latency": "Duration",
        "cost": "Cost",
        "tokens": "Tokens",
        "env": "Environment",
        "name": "Name of a trace",
        "tag": "Tag",
        "user": "User",
        "release": "Release",
    },
    Grain.USER: {
        "traces": "Traces",
        "cost": "Cost",
        "tokens": "Tokens",
        "env": "Environment",
        "name": "Name of a trace",
        "release": "Release",
    },
}
"""The facets of each list, by field."""
_OPEN: Final = ("status", "kind", "name", "model", "env", "latency", "cost", "tag")
_PRESENCE: Final = {
    Grain.TRACE: ("error", "warning", "score", "comment", "bookmark", "unpriced", "flag"),
    Grain.SPAN: ("error", "warning", "score", "comment", "prompt", "tokens", "flag"),
    Grain.SESSION: ("error", "score", "comment", "bookmark", "user"),
    Grain.USER: ("error", "session", "tokens", "cost"),
}


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet: its count, its bar in percent of the largest, and its addresses."""

    text: str
    count: int | None
    share: float
    chosen: bool
    excluded: bool
    url: str
    exclude_url: str
    from_url: str = ""
    """Of a range with a lower bound: the address of all values from that bound on."""
    from_here: bool = False
    """Whether the query selects all values from that bound on."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A field with its most frequent values."""

    label: str
    values: list[FacetValue]
    open: bool


@dataclass(frozen=True, slots=True)
class Sidebar:
    """The facets of a list; ``note``: why counts are missing or not exact."""

    facets: list[Facet]
    note: str


def sidebar(project_id: str, query: ListQuery) -> Sidebar:
    """Return the facets of the rows that the query selects."""
    # Generations and tools have a fixed kind, so they need no facet for it.
    shown = {name: label for name, label in SHOWN[query.grain].items() if name not in query.fixed}
    values, note = _counted(project_id, query, list(shown)) if shown else ({}, "")
    facets = [
        _facet(query, field, label, _with_values_of_query(query, field, values.get(field, [])))
        for field, label in shown.items()
    ]
    if query.grain is Grain.TRACE:
        facets.append(_scores(project_id, query))
    facets.append(_facet(query, "has", "Has", [Value(what, -1) for what in _PRESENCE[query.grain]]))
    return Sidebar([facet for facet in facets if facet.values], note)


def _counted(
    project_id: str, query: ListQuery, fields: list[str]
) -> tuple[dict[str, list[Value]], str]:
    """Return (values by field, why they are missing or not exact)."""
    try:
        if query.grain is Grain.USER:
            since = beginning(length_of(query.kept.get("of")))
            counted = count_user_facets(project_id, query.selection, fields, since)
            rows = f"{MAX_TRACES:,} traces"
            if counted.rows > MAX_USERS:
                rows += f", ranges over about {MAX_USERS:,} users"
        else:
            counted = _counted_apart(project_id, query, fields)
            rows = f"{counted.rows:,} that match"
    except TooSlow:
        return {}, "Counting takes too long: choose a shorter time range"
    return counted.values, f"≈ counted over the latest {rows}" if counted.partial else ""


def _counted_apart(project_id: str, query: ListQuery, fields: list[str]) -> Facets:
    """Return the counts, those of a field among the rows that its own terms do not restrict.

    So a reader can add a second value. Sessions and queries that read spans or texts cost too much
    for that: their values are counted among the rows of the list alone.
    """
    reads_rows = query.grain is Grain.SPAN or (
        query.grain is Grain.TRACE and not query.selection.reads_more
    )
    apart = [field for field in fields if reads_rows and query.selects(field)]
    others = [field for field in fields if field not in apart]
    counted = count_facets(project_id, query.selection, others, query.grain)
    for field in apart:
        own = count_facets(project_id, query.without(field), [field], query.grain)
        counted.values.update(own.values)
        counted = counted._replace(
            rows=max(counted.rows, own.rows), partial=counted.partial or own.partial
        )
    return counted


def _scores(project_id: str, query: ListQuery) -> Facet:
    """Return the values of scores: those that selected traces have, and those of the query."""
    try:
        counted = count_scores(project_id, query.selection)
    except TooSlow:
        counted = []
    maximum = max((each.traces or 0 for each in counted), default=0)
    rows = [_score(query, each, maximum) for each in counted]
    shown = [row for row in rows if row.count != 0 or row.chosen or row.excluded]
    return Facet("Score", shown, open=True)


def _score(query: ListQuery, score: ScoreValue, maximum: int) -> FacetValue:
    term = one_term(f"score.{score.name}", score.value)
    if score.value in ("<0.5", ">=0.5"):
        like = parse(f"score.any:{score.value}", Grain.TRACE)
        assert isinstance(like, Term)
        term = replace(term, matches=like.matches)
    traces = -1 if score.traces is None else score.traces
    return _row(query, term, Value(f"{score.name}:{score.value}", traces), maximum)


def _with_values_of_query(query: ListQuery, field: str, values: list[Value]) -> list[Value]:
    """Return the values, and those that the query selects or excludes and that were not counted."""
    known = {value.text for value in values}
    others = _ranges_of_query(query, field) if field in RANGES else _values_of_query(query, field)
    return values + [Value(text, -1) for text in others if text not in known]


def _values_of_query(query: ListQuery, field: str) -> list[str]:
    """Return the values that the query selects or excludes."""
    nodes = (node.item if isinstance(node, Not) else node for node in conjuncts(query.node))
    terms = [node for node in nodes if isinstance(node, Term) and node.field.name == field]
    matches = (match for term in terms for match in term.matches)
    return [str(match.value) for match in matches if isinstance(match, Equal)]


def _ranges_of_query(query: ListQuery, field: str) -> list[str]:
    """Return the ranges that the query selects or excludes."""
    text, grain = query.shown, query.grain
    ranges = {each: _term(query, field, each) for each in range_texts(field)}
    return [
        each
        for each, term in ranges.items()
        if has_value(text, grain, term) or excludes(text, grain, term)
    ]


def _term(query: ListQuery, field: str, text: str) -> Term:
    """Return the term that a click on a value adds to the query."""
    if field not in RANGES:
        return one_term(field, text, query.grain)
    term = parse(f"{field}:{text}", query.grain)
    assert isinstance(term, Term)
    return term


def _facet(query: ListQuery, field: str, label: str, values: list[Value]) -> Facet:
    maximum = max((value.traces for value in values), default=0)
    rows = [_value(query, field, value, maximum) for value in values]
    used = any(row.chosen or row.excluded for row in rows)
    return Facet(label, rows, used or field in _OPEN or query.grain is Grain.USER)


def _value(query: ListQuery, field: str, value: Value, maximum: int) -> FacetValue:
    term = _term(query, field, value.text)
    row = _row(query, term, value, maximum)
    match = term.matches[0]
    if not isinstance(match, Between) or match.low is None:
        return row
    text, above = query.shown, replace(term, matches=(Compare(">=", match.low),))
    return replace(
        row,
        from_url=query.url(toggle(text, query.grain, above)),
        from_here=has_value(text, query.grain, above),
    )


def _row(query: ListQuery, term: Term, value: Value, maximum: int) -> FacetValue:
    edits = edits_of(query.shown, query.grain, term)
    return FacetValue(
        text=value.text,
        count=value.traces if value.traces >= 0 else None,
        share=100 * value.traces / maximum if maximum > 0 else 0,
        chosen=edits.chosen,
        excluded=edits.excluded,
        url=query.url(edits.toggled),
        exclude_url=query.url(edits.exclude),
    )
