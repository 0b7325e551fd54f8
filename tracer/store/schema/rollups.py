"""The tables of rollups: series, their sums, and what was not added to these yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from tracer.store.schema.base import Time, metadata

# What is summed: traces (t), spans (s), failed spans by the type of their error (e), traces by user
# (u). `series` is a hash of the other columns. A series of all names has `whole`, and neither a
# name nor a provider.
rollup_series = Table(
    "rollup_series",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("series", BigInteger, primary_key=True),
    Column("grain", Text, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("kind", Text),
    Column("name", Text),
    Column("environment", Text, nullable=False),
    Column("model", Text),
    Column("provider", Text),
)

_COUNTS = ("latencies", "first_tokens", "costs", "token_counts")


def _sum(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _user_sums() -> list[Column[Any]]:
    return [
        Column("start_time", Time, nullable=False),
        Column("end_time", Time, nullable=False),
        Column("trace_count", BigInteger, nullable=False),
        Column("error_count", BigInteger, nullable=False),
        Column("total_tokens", BigInteger),
        Column("total_cost", Numeric),
    ]


# Sums of a series in a minute, an hour or a day (width: m, h, d) in UTC. Times are in µs. Of the
# arrays, each element is the key of a value (tracer/measure/histogram.py) times 2^40, plus the
# number of values with that key.
rollups = Table(
    "rollups",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("width", Text, primary_key=True),
    Column("series", BigInteger, primary_key=True),
    Column("start", Time, primary_key=True),
    *(_sum(name) for name in ("rows", "errors", "running", "latency", "first_token", "tokens")),
    _sum("input_tokens"),
    _sum("output_tokens"),
    Column("cost", Numeric, nullable=False, server_default="0"),
    *(Column(name, ARRAY(BigInteger), nullable=False, server_default="{}") for name in _COUNTS),
    Column("usage", JSONB, nullable=False, server_default="{}"),
    Index("ix_rollups_minutes", "start", postgresql_where="width = 'm'"),
)

# Sums of the traces of a user on one day in UTC. `start_time` and `end_time` are the starts of the
# first and of the last trace; `sessions` has a hash of the id of each session.
user_days = Table(
    "user_days",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("day", Time, primary_key=True),
    *_user_sums(),
    Column("sessions", ARRAY(BigInteger), nullable=False, server_default="{}"),
    Index("ix_user_days_day", "project_id", "day"),
)

# The same sums of all traces of a user.
users = Table(
    "users",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    *_user_sums(),
    Column("session_count", BigInteger, nullable=False),
)

# Appended by each transaction that changes spans, one row per project; the worker adds them to
# `rollups`. `records` is what tracer/store/rollups/changes.py encodes.
rollup_changes = Table(
    "rollup_changes",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("change", BigInteger, Identity(), primary_key=True),
    Column("records", LargeBinary, nullable=False),
)

# Sums over the scores of an hour in UTC, by when their traces started; `counts` are those of their
# values, as in `rollups`. Recounted by tracer/store/rollups/score_hours.py.
score_hours = Table(
    "score_hours",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("start", Time, primary_key=True),
    *(
        Column(name, Text, primary_key=True)
        for name in ("environment", "name", "source", "data_type")
    ),
    Column("rows", BigInteger, nullable=False),
    Column("value_count", BigInteger, nullable=False),
    *(Column(name, Double) for name in ("total", "low", "high")),
    Column("counts", ARRAY(BigInteger), nullable=False, server_default="{}"),
)

# Appended by each transaction that changes the scores of an hour: until the worker has recounted
# that hour, readers count its scores instead.
score_hours_due = Table(
    "score_hours_due",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("start", Time, primary_key=True),
    Column("change", BigInteger, Identity(), primary_key=True),
)

# What servers of the previous version append instead: `sums` is a list of objects with the columns
# of a series, `minute` since the epoch, and the columns of `rollups`.
rollup_deltas = Table(
    "rollup_deltas",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("delta", BigInteger, Identity(), primary_key=True),
    Column("sums", JSON, nullable=False),
)
