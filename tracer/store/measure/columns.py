"""SQL columns that questions measure and group by, with the joins that these need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tracer.measure.fields import MISSES, TOKEN_TYPE, Reference, query_grain
from tracer.query.fields import Type
from tracer.store.measure.misses import missed_cost, missed_tokens, payload_of
from tracer.store.query.compile import sources_of
from tracer.store.query.source import Column, RowsOf, Shape, Source, Table
from tracer.store.query.terms import json_text, number_of
from tracer.store.schema import span_payloads, trace_payloads

_ELEMENTS: Final[dict[Shape, Callable[..., Any]]] = {
    Shape.ARRAY: sa.func.unnest,
    Shape.KEYS: sa.func.jsonb_object_keys,
    Shape.ELEMENTS: sa.func.jsonb_array_elements_text,
}
_USAGE: Final = ("tokens", "input_tokens", "output_tokens", "cost", "usage")
_OF_SCORES: Final[dict[str, Callable[[Any], Column]]] = {
    "score_name": lambda score: score.c.name,
    "source": lambda score: score.c.source,
    "data_type": lambda score: score.c.data_type,
}


class Columns:
    """The columns of one statement over the rows of a grain, with the joins that they need.

    ``table`` has the rows of the grain's query; of scores their traces, beside ``score``.
    """

    def __init__(
        self, project_id: str, grain: str, table: Table, score: Table | None = None
    ) -> None:
        self._project_id = project_id
        self._grain = grain
        self._table = table
        self._score = score
        self._sources: Mapping[str, Source] = sources_of(query_grain(grain), table)
        self._joined: list[Table] = []
        self._types: Any = None
        self.rows: Table = table if score is None else score.join(table, _of_trace(score, table))
        """The FROM clause, complete once all columns were created."""
        self.repeats = False
        """Whether a row may be joined several times with the same value of a group."""
        self.expanded = False
        """Whether a row may count for several values of a group."""

    def number(self, reference: Reference) -> Column:
        """Return the number that is measured, in the unit of its field; NULL: there is none.

        If tokens are grouped by type: the tokens of that type.
        """
        if self._types is not None:
            return sa.cast(self._types.c.value, sa.Numeric)
        if reference.field in MISSES:
            return self._missed(reference.field.name)
        if self._score is not None and reference.field.name == "value":
            return sa.type_coerce(self._score.c.value, sa.Double)
        source = self._sources[reference.field.name]
        column = self._column(source, reference)
        if source.shape is Shape.SCORE:
            return sa.type_coerce(_scores_of(source).c.value, sa.Double)
        if reference.field.type is Type.DURATION:
            return sa.cast(sa.extract("epoch", column), sa.Float)
        if source.shape is Shape.JSON:
            column = number_of(column)
        if self._grain in ("spans", "generations") and reference.field.name in _USAGE:
            # Repeated usage is excluded, so that sums include it once.
            return sa.case((~self._table.c.covered, column))
        return column

    def _missed(self, name: str) -> Column:
        payload, same = payload_of(self._table)
        self.rows = self.rows.outerjoin(payload, sa.and_(*same))
        if name == "missed_tokens":
            return missed_tokens(self._table, payload)
        return missed_cost(self._project_id, self._table, payload)

    def text(self, reference: Reference) -> Column:
        """Return the text by which rows are grouped; a row with several values counts for each."""
        if reference.field is TOKEN_TYPE:
            return sa.type_coerce(self._token_types().c.key, sa.Text)
        if self._score is not None and reference.field.name in (*_OF_SCORES, "value"):
            return self._of_score(reference.field.name)
        source = self._sources[reference.field.name]
        own = source.of_row.table if isinstance(source.of_row, RowsOf) else None
        if self._grain == "sessions" and own is not None and source.shape is not Shape.SCORE:
            return self._of_any_trace(source, own)
        column = self._column(source, reference)
        if source.shape is Shape.SCORE:
            self.repeats = self.expanded = True
            return _score_text(_scores_of(source))
        if source.shape in _ELEMENTS:
            return self._element(source.shape, column)
        return column if source.shape is Shape.JSON else sa.cast(column, sa.Text)

    def _of_any_trace(self, source: Source, own: Table) -> Column:
        """Return the values that a session's traces have; NULL: none of them has any."""
        rows: Table = own
        value: Column = sa.cast(source.column, sa.Text)
        if source.shape is Shape.ARRAY:
            each = sa.func.unnest(source.column).table_valued("value").render_derived()
            rows, value = own.join(each, sa.true()), each.c.value
        values = (
            sa.select(own.c.session_id, value.label("value"))
            .select_from(rows)
            .where(own.c.project_id == self._project_id, value.is_not(None))
            .distinct()
            .subquery()
        )
        self.rows = self.rows.outerjoin(values, values.c.session_id == self._table.c.session_id)
        self.repeats = self.expanded = True
        return values.c.value

    def _column(self, source: Source, reference: Reference) -> Column:
        """Return the column of a source, with its table joined."""
        if isinstance(source.of_row, RowsOf):
            condition = source.column == reference.key if source.shape is Shape.SCORE else None
            self._join(source.of_row, condition)
        if source.shape is Shape.JSON:
            assert reference.key is not None
            return json_text(source.column, reference.key)
        return source.column

    def _join(self, rows: RowsOf, condition: Column | None = None) -> None:
        if any(table is rows.table for table in self._joined):
            return
        self._joined.append(rows.table)
        conditions = rows.same if condition is None else (*rows.same, condition)
        self.rows = self.rows.outerjoin(rows.table, sa.and_(*conditions))
        if self._grain == "sessions":
            # A session has many traces.
            self.repeats = self.expanded = True

    def _element(self, shape: Shape, column: Column) -> Column:
        if shape is Shape.ELEMENTS:
            column = sa.func.coalesce(sa.cast(column, JSONB), sa.literal_column("'[]'::jsonb"))
            self.repeats = True
        self.expanded = True
        name = f"elements{len(self._joined)}"
        elements = _ELEMENTS[shape](column).table_valued("value", name=name).render_derived()
        self._joined.append(elements)
        self.rows = self.rows.outerjoin(elements, sa.true())
        return sa.cast(elements.c.value, sa.Text)

    def _token_types(self) -> Any:
        """Return the joined pairs (key, value) of the tokens of a row by type."""
        payload = trace_payloads if self._grain == "traces" else span_payloads
        keys = ("trace_id",) if self._grain == "traces" else ("trace_id", "span_id")
        own = payload.alias()
        same = [own.c[name] == self._table.c[name] for name in ("project_id", *keys)]
        self._join(RowsOf(own, self._table, tuple(same)))
        usage: Column = sa.cast(own.c.usage, JSONB)
        if self._grain != "traces":
            usage = sa.case((~self._table.c.covered, usage))
        usage = sa.func.coalesce(usage, sa.literal_column("'{}'::jsonb"))
        pairs = sa.func.jsonb_each_text(usage).table_valued("key", "value", name="types")
        self._types = pairs.render_derived()
        self.rows = self.rows.join(self._types, self._types.c.value != "0")
        return self._types

    def _of_score(self, name: str) -> Column:
        assert self._score is not None
        return _score_text(self._score) if name == "value" else _OF_SCORES[name](self._score)


def _scores_of(source: Source) -> Table:
    table: Table = source.column.table
    return table


def _score_text(score: Table) -> Column:
    """Return the value of a score as queries write it."""
    flag = sa.case((score.c.value == 1, "true"), else_="false")
    number = sa.case((score.c.data_type == "boolean", flag), else_=sa.cast(score.c.value, sa.Text))
    return sa.func.coalesce(score.c.string_value, number)


def _of_trace(score: Table, trace: Table) -> Column:
    if isinstance(trace, sa.Lateral):
        return sa.true()
    return sa.and_(trace.c.project_id == score.c.project_id, trace.c.trace_id == score.c.trace_id)
