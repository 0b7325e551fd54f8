"""The first traces of a sorted selection; one that reads spans or texts is read in steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.query.keyset import Order, Position, labelled
from tracer.store.query.selection import Selection
from tracer.store.query.sort_bound import Matching, sort_bound
from tracer.store.query.source import Column, Table
from tracer.store.schema import traces

INDEXED: Final = ("start", "name")
"""Fields of whose values an index has the order."""
READ_SECONDS: Final = 1.0
"""A page that reads spans or texts begins no further step after this time."""
_FIRST_STEP: Final = 2_000
"""Traces whose spans a first step reads, unless the page is full before."""
_FIRST_SEARCHED: Final = 250
"""The same of traces whose texts are read."""
_MAX_STEP: Final = 50_000


class FirstRows(NamedTuple):
    """The ids and sort keys of the first rows (columns ``trace_id``, ``sort_0`` …).

    ``last``: where reading stopped, after ``read`` traces, before there were enough rows; None:
    there are enough, or no more.
    """

    rows: list[sa.RowMapping]
    last: Position | None = None
    read: int = 0


def first_rows(
    project_id: str, selection: Selection, order: Order, position: Position | None, limit: int
) -> FirstRows:
    """Return the first ``limit`` rows after a position, in its direction. Raises TooSlow."""
    if not selection.reads_more:
        query = exact_rows(project_id, selection, order, position, limit)
        return FirstRows(list(db.session.execute(query).mappings()))
    step = _FIRST_SEARCHED if selection.reads_texts else _FIRST_STEP
    return _Steps(project_id, selection, order).read(position, limit, step)


def exact_rows(
    project_id: str, selection: Selection, order: Order, position: Position | None, limit: int
) -> sa.Select[Any]:
    """Return the query for the first rows of a selection that needs only rows and indexes."""

    def matching(table: Table) -> Column:
        return selection.condition(Grain.TRACE, table)

    query = _sorted(project_id, matching, order, position, limit)
    return query.with_only_columns(traces.c.trace_id, *labelled(order))


def _sorted(
    project_id: str, matching: Matching, order: Order, position: Position | None, limit: int
) -> sa.Select[Any]:
    """Return the query for the first rows after a position that match, with all columns."""
    forward = position is None or position.forward
    own = [traces.c.project_id == project_id, matching(traces)]
    if position is not None:
        own.append(order.beyond(position))
    if forward and order.keys[0].field not in INDEXED:
        own.append(sort_bound(project_id, matching, order, position, limit))
    query = sa.select(*traces.c, *labelled(order)).where(*own)
    return query.order_by(*order.clauses(forward)).limit(limit)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Reads candidates in order, a step at a time, until enough of them are verified."""

    project_id: str
    selection: Selection
    order: Order

    def read(self, position: Position | None, limit: int, step: int) -> FirstRows:
        """Read until there are ``limit`` rows, or no more, or the time is up."""
        began, read = time.monotonic(), 0
        rows: list[sa.RowMapping] = []
        while True:
            candidates = self._candidates(position, step)
            rows += self._matching(candidates, position, limit - len(rows))
            last = self._last(candidates, position, step) if len(rows) < limit else None
            if last is None:
                return FirstRows(rows)
            read, position = read + step, last
            spent = time.monotonic() - began
            if spent > READ_SECONDS:
                return FirstRows(rows, last, read)
            step = min(_MAX_STEP, max(step, round(read / spent * (READ_SECONDS - spent))))

    def _candidates(self, position: Position | None, step: int) -> sa.Select[Any]:
        return _sorted(self.project_id, self.selection.candidate, self.order, position, step)

    def _matching(
        self, step: sa.Select[Any], position: Position | None, limit: int
    ) -> Sequence[sa.RowMapping]:
        # The LIMIT makes PostgreSQL sort before the expensive condition, so it stops with the page.
        candidates = step.subquery("candidates")
        own = self.order.of_subquery(candidates, "trace_id")
        query = sa.select(candidates.c.trace_id, *labelled(own))
        query = query.where(self.selection.verified(candidates))
        forward = position is None or position.forward
        query = query.order_by(*own.clauses(forward)).limit(limit)
        return db.session.execute(query).mappings().all()

    def _last(
        self, step: sa.Select[Any], position: Position | None, number: int
    ) -> Position | None:
        """Return the last candidate of a step; None: there are fewer, so this step is the last."""
        keys = (traces.c.trace_id, *labelled(self.order))
        query = step.with_only_columns(*keys).offset(number - 1).limit(1)
        row = db.session.execute(query).mappings().one_or_none()
        if row is None:
            return None
        values = [row[f"sort_{index}"] for index in range(len(self.order.keys))]
        return Position(position is None or position.forward, values, [row["trace_id"]])
