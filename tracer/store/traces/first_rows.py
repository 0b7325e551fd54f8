"""The first traces of a sorted selection; one that reads spans or texts is read in steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.query.keyset import Order, Position, labelled
from tracer.store.query.selection import Selection
from tracer.store.query.sort_bound import sort_bound
from tracer.store.query.source import Column
from tracer.store.query.steps import Verification
from tracer.store.schema import traces

INDEXED: Final = ("start", "name")
"""Fields of whose values an index has the order."""
READ_SECONDS: Final = 1.0
"""A page that reads spans or texts begins no further step after this time."""
_FIRST_STEP: Final = 5_000
"""Traces whose spans a first step reads, unless the page is full before."""
_FIRST_SEARCHED: Final = 500
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
    chosen, verified = selection.in_steps(traces)
    assert verified is not None
    step = _FIRST_SEARCHED if selection.reads_texts else _FIRST_STEP
    return _Steps(project_id, chosen, verified, order).read(position, limit, step)


def exact_rows(
    project_id: str, selection: Selection, order: Order, position: Position | None, limit: int
) -> sa.Select[Any]:
    """Return the query for the first rows of a selection that needs only rows and indexes."""
    query = _sorted(project_id, selection.condition(Grain.TRACE, traces), order, position)
    forward = position is None or position.forward
    if forward and order.keys[0].field not in INDEXED:
        query = query.where(sort_bound(project_id, selection, order, position, limit))
    return query.with_only_columns(traces.c.trace_id, *labelled(order)).limit(limit)


def _sorted(
    project_id: str, chosen: Column, order: Order, position: Position | None
) -> sa.Select[Any]:
    query = sa.select(*traces.c, *labelled(order)).where(traces.c.project_id == project_id, chosen)
    if position is not None:
        query = query.where(order.beyond(position))
    return query.order_by(*order.clauses(position is None or position.forward))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Reads candidates in order, a step at a time, until enough of them are verified."""

    project_id: str
    chosen: Column
    verified: Verification
    order: Order
    rows: list[sa.RowMapping] = field(default_factory=list)

    def read(self, position: Position | None, limit: int, step: int) -> FirstRows:
        """Read until there are ``limit`` rows, or no more, or the time is up."""
        began, read = time.monotonic(), 0
        while True:
            self.rows.extend(self._matching(position, limit - len(self.rows), step))
            if len(self.rows) >= limit:
                return FirstRows(self.rows)
            last = self._last(position, step)
            if last is None:
                return FirstRows(self.rows)
            read, position = read + step, last
            spent = time.monotonic() - began
            if spent > READ_SECONDS:
                return FirstRows(self.rows, last, read)
            step = min(_MAX_STEP, max(step, round(read / spent * (READ_SECONDS - spent))))

    def _step(self, position: Position | None) -> sa.Select[Any]:
        return _sorted(self.project_id, self.chosen, self.order, position)

    def _matching(self, position: Position | None, limit: int, step: int) -> list[sa.RowMapping]:
        # The LIMIT makes PostgreSQL sort before the expensive condition, so it stops with the page.
        candidates = self._step(position).limit(step).subquery("candidates")
        own = self.order.of_subquery(candidates, "trace_id")
        query = sa.select(candidates.c.trace_id, *labelled(own)).where(self.verified(candidates))
        forward = position is None or position.forward
        query = query.order_by(*own.clauses(forward)).limit(limit)
        return list(db.session.execute(query).mappings())

    def _last(self, position: Position | None, step: int) -> Position | None:
        """Return the last candidate of a step; None: there are fewer, so this step is the last."""
        query = self._step(position).offset(step - 1).limit(1)
        row = db.session.execute(query).mappings().one_or_none()
        if row is None:
            return None
        values = [row[f"sort_{index}"] for index in range(len(self.order.keys))]
        return Position(position is None or position.forward, values, [row["trace_id"]])
