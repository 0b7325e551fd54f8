"""The two sets of traces that are compared, each as a sample of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.store.database.estimates import estimate, estimated_rows, sample
from tracer.store.database.session import within
from tracer.store.schema import traces

Matching = Callable[[sa.FromClause], sa.ColumnElement[bool]]
"""The condition of a selection on the table `traces`, an alias or a sample of it."""

SAMPLE: Final = 1_500
"""Traces of each side that are compared; larger sides are sampled to about this number."""
SECONDS: Final = 3
_EXACT: Final = 2 * SAMPLE
"""A side of up to so many traces is not sampled."""
_MAX_READ: Final = 8 * SAMPLE
"""Of a side of up to so many traces, all ids are read if an index finds them."""
_MAX_SCANNED: Final = 50_000
"""A sample reads up to so many rows of the table."""
_MIN_SAMPLE: Final = SAMPLE // 10
"""A smaller sample is not used: the ids are read instead."""


@dataclass(frozen=True, slots=True)
class Side:
    """Traces of one side; ``share`` of all of them: below 1 they are a sample."""

    trace_ids: list[str]
    share: float

    @property
    def total(self) -> int:
        """How many traces the side has, an estimate where the side is a sample."""
        return round(len(self.trace_ids) / self.share)

    def some(self, maximum: int) -> list[str]:
        """Return at most this many of the traces, evenly spread."""
        step = -(-len(self.trace_ids) // maximum) or 1
        return self.trace_ids[::step]

    def thinned(self) -> Side:
        """Return the side, or a sample of it where it has more traces than are compared."""
        if len(self.trace_ids) <= _EXACT:
            return self
        trace_ids = self.some(SAMPLE)
        return Side(trace_ids, self.share * len(trace_ids) / len(self.trace_ids))


def read_side(project_id: str, matching: Matching) -> Side:
    """Return the traces that match, or a sample of them. Raises TooSlow."""
    expected = estimate(_ids(traces, project_id, matching))
    table = estimate(sa.select(traces.c.trace_id, traces.c.total_cost))
    share = min(1.0, SAMPLE / max(expected.rows, 1), _MAX_SCANNED / max(table.rows, 1))
    # A sample costs its share of what reading the whole table does.
    is_cheaper = expected.cost > share * table.cost
    if expected.rows > _MAX_READ or (expected.rows > _EXACT and is_cheaper):
        side = _sampled(project_id, matching, share)
        if len(side.trace_ids) >= _MIN_SAMPLE:
            return side
    try:
        everything = Side(_read(_ids(traces, project_id, matching).limit(_MAX_READ + 1)), 1.0)
        if len(everything.trace_ids) <= _MAX_READ:
            return everything.thinned()
    except TooSlow:
        pass
    # PostgreSQL estimated too few.
    total = estimated_rows(_ids(traces, project_id, lambda _: sa.true()))
    return _sampled(project_id, matching, min(1.0, 8 * SAMPLE / max(total, 1)))


def _sampled(project_id: str, matching: Matching, share: float) -> Side:
    query = _ids(sample(traces, share), project_id, matching)
    trace_ids = _read(query.limit(4 * SAMPLE))
    return Side(trace_ids, share)


def _ids(table: sa.FromClause, project_id: str, matching: Matching) -> sa.Select[Any]:
    return sa.select(table.c.trace_id).where(table.c.project_id == project_id, matching(table))


def _read(query: sa.Select[Any]) -> list[str]:
    with within(SECONDS):
        return list(db.session.scalars(query))


def side_rows(selected: Sequence[str], others: Sequence[str]) -> dict[str, list[Any]]:
    """Return the bound values of ``unnest(:ids, :sides)``: the traces of both sides."""
    return {
        "ids": [*selected, *others],
        "sides": [0] * len(selected) + [1] * len(others),
    }
