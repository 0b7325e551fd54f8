"""Compiles the tree of a query to one SQL condition on the rows that are listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.tree import (
    And,
    Equal,
    Node,
    Not,
    Or,
    Related,
    SpanPath,
    Spans,
    Term,
    Words,
    conjuncts,
)
from tracer.store.query.session_sources import (
    session_presence,
    session_sources,
    session_texts,
    user_presence,
    user_sources,
    user_texts,
)
from tracer.store.query.source import Column, Source, Table
from tracer.store.query.span_sources import span_presence, span_sources, span_texts
from tracer.store.query.terms import term_condition, words_condition
from tracer.store.query.trace_sources import trace_presence, trace_sources
from tracer.store.schema import sessions, spans, traces
from tracer.store.texts.conditions import prefilter, text_condition


class _Grain(NamedTuple):
    """Columns of a grain's fields, values of ``has:`` and texts, by table or alias."""

    sources: Callable[[Table], Mapping[str, Source]]
    presence: Callable[[Table], Mapping[str, Column]]
    texts: Callable[[Table], list[Source]]


_GRAINS: Final = {
    Grain.TRACE: _Grain(trace_sources, trace_presence, lambda _: []),
    Grain.SPAN: _Grain(span_sources, span_presence, span_texts),
    Grain.SESSION: _Grain(session_sources, session_presence, session_texts),
    Grain.USER: _Grain(user_sources, user_presence, user_texts),
}
_INDEXED: Final = ("kind", "name", "model", "level")
"""Fields of spans whose values are in the index of texts."""
_LEVEL_COUNTS: Final = {"error": "error_count", "warning": "warning_count"}
"""Columns of traces that count the spans of a level."""
_COUNTED: Final[dict[str, Callable[[Any, int], Column]]] = {
    "<": lambda count, number: count < number,
    "<=": lambda count, number: count <= number,
    ">": lambda count, number: count > number,
    ">=": lambda count, number: count >= number,
    "=": lambda count, number: count == number,
}


def condition(node: Node, grain: Grain, table: Table, clock: Clock) -> Column:
    """Return the condition that a row of ``table`` matches the query; NULL means no match.

    ``table`` is the table of the grain or an alias of it. The statement has to restrict it to one
    project: rows of other tables are found by the project of the listed row.
    """
    return Compiler(grain, table, clock).of(node)


def sources_of(grain: Grain, table: Table) -> Mapping[str, Source]:
    """Return where the grain's fields are, by name."""
    return _GRAINS[grain].sources(table)


class Compiler:
    """Compiles conditions on the rows of one table."""

    def __init__(self, grain: Grain, table: Table, clock: Clock) -> None:
        self._grain = grain
        self._table = table
        self._clock = clock

    def of(self, node: Node) -> Column:
        """Return the condition of a node."""
        match node:
            case And():
                return sa.and_(sa.true(), *map(self.of, node.items))
            case Or():
                return sa.or_(*map(self.of, node.items))
            case Not(item=Spans() as item):
                return _negated(self._existing(item))
            case Not():
                return _negated(self.of(node.item))
            case Words():
                return self._words(node)
            case Spans():
                return self._spans(node)
            case Related():
                return self._related(node)
        return self._term(node)

    def _term(self, term: Term) -> Column:
        grain = _GRAINS[self._grain]
        if term.field.name == "has":
            presence = grain.presence(self._table)
            values = [match.value for match in term.matches if isinstance(match, Equal)]
            return sa.or_(*(presence[str(value)] for value in values))
        source = grain.sources(self._table)[term.field.name]
        exact = term_condition(term, source, self._clock)
        if self._grain is Grain.SPAN and _is_failed(term):
            # Failed spans have this level, for which there is a partial index.
            return sa.and_(self._table.c.level == "error", exact)
        return self._with_candidate(term, exact) if term.field.name == "metadata" else exact

    def candidate(self, node: Node) -> Column | None:
        """Return the condition of the index of values, which finds a superset of what matches.

        None: the index has nothing that narrows the listed traces down.
        """
        if self._grain is not Grain.TRACE:
            return None
        if isinstance(node, Spans):
            if not self.reads_spans(node):
                return None
            nodes = [item for step in node.path.steps for item in conjuncts(step)]
        else:
            nodes = [node]
        return prefilter(self._table, [pair for each in nodes for pair in _indexed_value(each)])

    def reads_spans(self, node: Spans) -> bool:
        """Return whether a trace has to be searched for a span."""
        return _needs_span(node) and self._counted(node.path) is None

    def counted(self, node: Spans) -> bool:
        """Return whether a column of the trace decides how many such spans it has."""
        return node.quantifier != "all" and self._counted(node.path) is not None

    def counts(self, node: Spans) -> list[Column]:
        """Return conditions on counts of a trace, which exclude most traces without their spans."""
        if self._grain is not Grain.TRACE or not _needs_span(node):
            return []
        least = node.number + (node.operator == ">") if node.quantifier == "count" else 1
        levels = {_level_of(item) for step in node.path.steps for item in conjuncts(step)}
        counts = [
            self._table.c[column] > 0 for level, column in _LEVEL_COUNTS.items() if level in levels
        ]
        return [self._table.c.span_count >= least, *counts] if least > 1 else counts

    def _with_candidate(self, node: Node, exact: Column) -> Column:
        candidate = self.candidate(node)
        return exact if candidate is None else sa.and_(candidate, exact)

    def _words(self, words: Words) -> Column:
        if self._grain is Grain.TRACE:
            return text_condition(self._table, words.text)
        sources = _GRAINS[self._grain].texts(self._table)
        return sa.or_(*(words_condition(words.text, source) for source in sources))

    def _related(self, node: Related) -> Column:
        table = (sessions if node.grain is Grain.SESSION else traces).alias()
        key = {Grain.SESSION: "session_id", Grain.USER: "user_id"}
        matching = condition(node.item, node.grain, table, self._clock)
        if self._grain is Grain.SPAN and node.grain is Grain.SESSION:
            trace = traces.alias()
            of_trace = sa.exists().where(*_same(trace, table, "session_id"), matching)
            return (
                sa.exists()
                .where(*_same(trace, self._table, "trace_id"), of_trace.correlate(trace))
                .correlate(self._table)
            )
        column = key.get(self._grain) or key.get(node.grain, "trace_id")
        same = _same(table, self._table, column)
        return sa.exists().where(*same, matching).correlate(self._table)

    def _spans(self, node: Spans) -> Column:
        counts, exact = self.counts(node), self._existing(node)
        return sa.and_(*counts, exact) if counts else exact

    def _existing(self, node: Spans) -> Column:
        exact = self.of_spans(node)
        if isinstance(exact, sa.Select):
            exact = exact.exists().correlate(self._table)
        return self._with_candidate(node, exact)

    def of_spans(self, node: Spans) -> Column | sa.Select[Any]:
        """Return the condition, or the query for spans of which there has to be one."""
        span = spans.alias()
        own = self._own_spans(span)
        if node.quantifier == "all":
            wrong = _negated(self._path(node.path, span))
            return ~sa.exists().where(*own, wrong).correlate(self._table)
        own.append(self._path(node.path, span))
        if node.quantifier == "any" or (node.operator, node.number) == (">=", 1):
            return sa.select(span.c.span_id).where(*own).correlate(self._table)
        compared = _COUNTED[node.operator]
        if (counted := self._counted(node.path)) is not None:
            return compared(counted, node.number)
        count = sa.select(sa.func.count()).select_from(span).where(*own).correlate(self._table)
        return compared(count.scalar_subquery(), node.number)

    def _counted(self, path: SpanPath) -> Column | None:
        """Return the column of a trace that has the number of spans of a path; None: none has."""
        step = path.steps[0]
        if self._grain is not Grain.TRACE or len(path.steps) > 1 or not isinstance(step, Term):
            return None
        if step.field.name == "level" and len(step.matches) == 1:
            match = step.matches[0]
            name = _LEVEL_COUNTS.get(str(match.value)) if isinstance(match, Equal) else None
            return self._table.c[name] if name else None
        return None

    def _own_spans(self, span: Table) -> list[Column]:
        """Return the conditions that ``span`` belongs to the listed trace or session."""
        if self._grain is Grain.TRACE:
            return [*_same(span, self._table, "trace_id"), ~span.c.placeholder]
        trace = traces.alias()
        of_session = (
            sa.exists()
            .where(*_same(trace, span, "trace_id"), *_same(trace, self._table, "session_id"))
            .correlate(span, self._table)
        )
        return [span.c.project_id == self._table.c.project_id, ~span.c.placeholder, of_session]

    def _path(self, path: SpanPath, span: Table) -> Column:
        """Return the condition that ``span`` matches the last step, below the steps before it."""
        own = condition(path.steps[-1], Grain.SPAN, span, self._clock)
        if len(path.steps) == 1:
            return own
        above = spans.alias()
        rest = self._path(SpanPath(path.steps[:-1], path.joins[:-1]), above)
        same_trace = [*_same(above, span, "trace_id"), ~above.c.placeholder]
        if path.joins[-1] == ">":
            is_above = above.c.span_id == span.c.parent_span_id
        else:
            is_above = above.c.span_id.in_(_ancestors(span))
        return sa.and_(own, sa.exists().where(*same_trace, is_above, rest).correlate(span))


def _same(table: Table, other: Table, *keys: str) -> list[Column]:
    return [table.c[name] == other.c[name] for name in ("project_id", *keys)]


def _indexed_value(node: Node) -> list[tuple[str, str]]:
    """Return the (field, value) that a trace must have, or one of its spans, for the node."""
    if not isinstance(node, Term) or len(node.matches) != 1:
        return []
    match = node.matches[0]
    if not isinstance(match, Equal):
        return []
    if _is_failed(node):
        return [("level", "error")]
    if node.field.name == "metadata" and node.key and "." not in node.key:
        return [(f"metadata.{node.key}", str(match.value))]
    return [(node.field.name, str(match.value))] if node.field.name in _INDEXED else []


def _level_of(node: Node) -> str | None:
    """Return the level that a span must have for the node; None: any."""
    return next((value for field, value in _indexed_value(node) if field == "level"), None)


def _needs_span(node: Spans) -> bool:
    """Return whether only a trace with such a span matches."""
    if node.quantifier != "count":
        return node.quantifier == "any"
    return node.operator == ">" or (node.operator in (">=", "=") and node.number > 0)


def _is_failed(term: Term) -> bool:
    return term.field.name == "status" and term.matches == (Equal("error"),)


def _negated(matching: Column) -> Column:
    """Return the condition that ``matching`` is false or NULL."""
    if isinstance(matching, sa.Exists):
        # PostgreSQL plans NOT EXISTS as an anti-join.
        return ~matching
    return matching.is_not(sa.true())


def _ancestors(span: Table) -> sa.Select[Any]:
    """Return the ids of all spans above ``span``; UNION ends even where parents form a circle."""
    parent = spans.alias()
    up = (
        sa.select(span.c.parent_span_id.label("span_id"))
        .where(span.c.parent_span_id.is_not(None))
        .correlate(span)
        .cte(recursive=True, nesting=True)
    )
    higher = (
        sa.select(parent.c.parent_span_id)
        .where(
            parent.c.project_id == span.c.project_id,
            parent.c.trace_id == span.c.trace_id,
            parent.c.span_id == up.c.span_id,
            parent.c.parent_span_id.is_not(None),
        )
        .correlate(span)
    )
    return sa.select(up.union(higher).c.span_id)
