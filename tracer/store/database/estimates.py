"""The planner's estimate of the rows of a query, and samples of large tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from tracer.extensions import db


class Estimate(NamedTuple):
    """The estimate of PostgreSQL's planner for a query; ``cost`` is in the planner's units."""

    rows: float
    cost: float


def estimated_rows(query: sa.Select[Any]) -> float:
    """Return the number of rows that the planner expects; takes about a millisecond."""
    return estimate(query).rows


def estimate(query: sa.Select[Any]) -> Estimate:
    """Return the planner's estimate; takes about a millisecond."""
    compiled = query.compile(db.engine, compile_kwargs={"render_postcompile": True})
    statement = f"EXPLAIN (FORMAT JSON) {compiled}"
    # What the driver gets is made of values by their types: JSON of a list, for instance.
    made_by = compiled._bind_processors
    params = {
        name: convert(value) if callable(convert := made_by.get(name)) else value
        for name, value in compiled.params.items()
    }
    plan = db.session.connection().exec_driver_sql(statement, params).scalar_one()
    return Estimate(float(plan[0]["Plan"]["Plan Rows"]), float(plan[0]["Plan"]["Total Cost"]))


def sample(table: sa.Table, share: float) -> sa.TableSample:
    """Return about this share (0 to 1) of a table's rows, read by whole pages of the disk."""
    # The same sample each time, so that a page that is loaded again shows the same numbers.
    return table.tablesample(sa.func.system(share * 100), name="sample", seed=sa.literal(0))
