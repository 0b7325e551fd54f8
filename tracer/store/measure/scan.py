"""Scans the rows of a question: partial sums by interval, group and logarithm of the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.measure.fields import MISSES, query_grain
from tracer.measure.question import Question
from tracer.query.fields import Grain
from tracer.query.parse import parse
from tracer.query.tree import Node
from tracer.store.database.estimates import sample
from tracer.store.measure.cells import Cell, Scan, Scanned, interval_of
from tracer.store.measure.columns import Columns
from tracer.store.measure.distinct import distinct_counts, estimated_counts, hash_of, register_of
from tracer.store.measure.misses import calls_with_previous
from tracer.store.measure.plan import Plan
from tracer.store.measure.rollup import rollup_cells
from tracer.store.measure.score_hours import counts_of, sums_of
from tracer.store.measure.top import given_groups, key_of, top_groups
from tracer.store.query.compile import condition
from tracer.store.query.source import Column, Table
from tracer.store.rollups.sums import COUNT_BITS
from tracer.store.schema import scores, sessions, spans, traces
from tracer.store.scores.joined_traces import scores_of_traces, sums_of_hours
from tracer.store.users.sums import user_sums_of_traces


def read(scan: Scan, plan: Plan | None = None) -> Scanned:
    """Return the cells of a question, by a plan from rollups; the caller sets the timeout."""
    statement = _statement(scan, plan)
    cells: list[Cell] = []
    everything: list[Cell] = []
    for shown, interval, first, second, *sums in db.session.execute(statement).all():
        groups = (first, second)[: len(scan.question.group_by)]
        (cells if shown else everything).append(Cell(interval, groups, *sums))
    return Scanned(cells, everything)


def rows_statement(scan: Scan) -> sa.Select[Any]:
    """Return the ids of the rows of a question, of which PostgreSQL can estimate the number."""
    # Of misses those of the calls alone: the planner expects too few of calls with a previous one.
    question = msgspec.structs.replace(
        scan.question, measure="count", field="", over="", shape="values"
    )
    columns, table, score = _columns(replace(scan, question=question))
    own = table if score is None else score
    return sa.select(own.c.project_id).select_from(columns.rows).where(*_where(scan, table))


def single_valued(scan: Scan) -> bool:
    """Return whether each row of the question is in one group only."""
    columns, _, _ = _columns(scan)
    for reference in scan.question.groups:
        columns.text(reference)
    return not columns.expanded


def _statement(scan: Scan, plan: Plan | None) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    question = scan.question
    if plan is not None:
        partial = rollup_cells(scan, plan)
    else:
        partial = _distinct(scan) if question.counted is not None else _cells(scan)
    cells = partial.cte("cells")
    shown = _shown(question, cells)
    if not question.group_by:
        return shown
    top = given_groups(scan.groups) if scan.groups is not None else top_groups(question, cells)
    same = [
        each
        for name in ("first", "second")[: len(question.group_by)]
        for each in _equal(cells.c[name], top.c[name])
    ]
    shown = shown.join(top, sa.and_(*same))
    if question.by_key or scan.groups is not None:
        return shown
    return sa.union_all(shown, _everything(cells))


def _shown(question: Question, cells: sa.CTE) -> sa.Select[Any]:
    """Return the cells as rows; of those by key, all keys of an interval and group as one array.

    Rows of one key each would take most of the time of an answer: there are tens of thousands.
    """
    by = [cells.c[name] for name in ("interval", "first", "second")]
    if not question.by_key:
        sums = [cells.c[name] for name in ("rows", "whole", "total", "low", "high", "over")]
        return sa.select(sa.true(), *by, _no_keys(), *sums)
    packed = sa.cast(cells.c.key, sa.BigInteger) * (1 << COUNT_BITS) + cells.c.rows
    numbers = [sa.cast(sa.func.sum(cells.c[name]), sa.BigInteger) for name in ("rows", "whole")]
    nothing = [sa.cast(sa.null(), sa.Numeric)] * 4
    keys = sa.func.array_agg(packed, type_=ARRAY(sa.BigInteger))
    return sa.select(sa.true(), *by, keys, *numbers, *nothing).group_by(*by)


def _no_keys() -> Column:
    return sa.cast(sa.null(), ARRAY(sa.BigInteger))


def _equal(first: Column, second: Column) -> list[Column]:
    """Return that two texts are equal or both NULL, as conditions that a hash join can use."""
    return [
        sa.func.coalesce(first, "") == sa.func.coalesce(second, ""),
        first.is_(None) == second.is_(None),
    ]


def _cells(scan: Scan) -> sa.Select[Any]:
    question = scan.question
    columns, table, score = _columns(scan)
    groups = [columns.text(reference) for reference in question.groups]
    value = columns.number(question.measured) if question.measured else None
    by = {
        "interval": interval_of(scan.frame, table.c.start_time),
        **dict(zip(("first", "second"), [*groups, None, None], strict=False)),
        "key": None,
    }
    own = table if score is None else score
    if score is not None and scan.score_hours:
        rows, by["key"], sums = _hour_sums(scan, columns.rows, table, score)
    elif value is not None:
        return _cells_of_values(scan, columns, table, by, value)
    else:
        rows, sums = columns.rows, _row_sums(scan, columns, table, own)
    query = sa.select(*(_or_null(column, name) for name, column in by.items()), *sums)
    query = query.select_from(rows).where(*_where(scan, table))
    return query.group_by(*_ordinals(by))


def _cells_of_values(
    scan: Scan, columns: Columns, table: Table, by: dict[str, Column | None], value: Column
) -> sa.Select[Any]:
    question = scan.question
    divisor = columns.number(question.divisor) if question.divisor else None
    read = [_or_null(column, name) for name, column in by.items() if name != "key"]
    read.append(value.label("value"))
    if divisor is not None:
        read.append(divisor.label("divisor"))
    reads = sa.select(*read).select_from(columns.rows).where(*_where(scan, table))
    if question.by_key or (question.measured and question.measured.field in MISSES):
        # Without an offset PostgreSQL computes the value for each column of the cells that needs
        # it; with one, workers in parallel hand over rows, which takes longer if values are cheap.
        reads = reads.offset(sa.literal_column("0"))
    values = reads.subquery("read_values")
    number = values.c.value
    by = {name: None if by[name] is None else values.c[name] for name in by}
    if question.by_key:
        by["key"] = key_of(number)
    none = sa.cast(sa.null(), sa.Numeric)
    sums: dict[str, Column] = dict.fromkeys(("total", "low", "high", "over"), none)
    if question.measure in ("sum", "average", "ratio"):
        sums["total"] = sa.func.sum(number)
        if divisor is not None:
            sums["over"] = sa.func.sum(values.c.divisor)
    elif question.measure == "min":
        sums["low"] = sa.func.min(number)
    elif question.measure == "max":
        sums["high"] = sa.func.max(number)
    query = sa.select(
        *(_or_null(column, name) for name, column in by.items()),
        sa.func.count().label("rows"),
        sa.func.count(number).label("whole"),
        *(column.label(name) for name, column in sums.items()),
    )
    if question.by_key:
        query = query.where(number.is_not(None))
    return query.group_by(*_ordinals(by))


def _ordinals(by: dict[str, Column | None]) -> list[Column]:
    # By ordinal: PostgreSQL does not always recognise two equal expressions as one.
    grouped = enumerate(by.values(), 1)
    return [sa.literal_column(str(number)) for number, column in grouped if column is not None]


def _row_sums(scan: Scan, columns: Columns, table: Table, own: Table) -> list[sa.Label[Any]]:
    question = scan.question
    rows: Column = sa.func.count()
    if columns.repeats:
        rows = sa.func.count(sa.distinct(_id(question, own)))
    whole: Column = rows
    if question.is_share:
        part, of = _condition(scan, question.part, table), _condition(scan, question.whole, table)
        rows, whole = rows.filter(of, part), rows.filter(of)
    none = sa.cast(sa.null(), sa.Numeric)
    sums = dict.fromkeys(("total", "low", "high", "over"), none)
    return [
        rows.label("rows"),
        whole.label("whole"),
        *(column.label(name) for name, column in sums.items()),
    ]


def _hour_sums(
    scan: Scan, rows: Table, trace: Table, score: Table
) -> tuple[Table, Column | None, list[sa.Label[Any]]]:
    """Return the rows, the key of their values, and the sums of a cell, from sums of hours."""
    question, key = scan.question, None
    part, whole = _condition(scan, question.part, trace), _condition(scan, question.whole, trace)
    sums = sums_of(question, score, part, whole)
    if question.by_key:
        rows, key, number = counts_of(rows, score)
        sums |= dict.fromkeys(("rows", "whole"), sa.cast(sa.func.sum(number), sa.BigInteger))
    return rows, key, [column.label(name) for name, column in sums.items()]


def _distinct(scan: Scan) -> sa.Select[Any]:
    """Return the numbers of distinct values, by interval and in the whole range.

    The registers of an estimate are fewer groups than the values, and numbers instead of texts.
    """
    question = scan.question
    columns, table, _ = _columns(scan)
    groups = [columns.text(reference) for reference in question.groups]
    assert question.counted is not None
    value = columns.text(question.counted)
    interval = interval_of(scan.frame, table.c.start_time)
    by = {
        "interval": interval,
        **dict(zip(("first", "second"), [*groups, None, None], strict=False)),
    }
    read = value.label("value") if not scan.estimates else hash_of(value).label("hashed")
    rows = (
        sa.select(*(_or_null(column, name) for name, column in by.items()), read)
        .select_from(columns.rows)
        .where(*_where(scan, table), value.is_not(None))
    )
    if not scan.estimates:
        values = rows.group_by(*_ordinals({**by, "value": value})).cte("distinct_values")
        return distinct_counts(values, len(groups), intervals=interval is not None)
    hashes = rows.subquery("hashes")
    register, rest = register_of(hashes.c.hashed)
    names = [hashes.c[name] for name in by]
    registers = (
        sa.select(*names, register.label("register"), sa.func.min(rest).label("rest"))
        .group_by(*names, register)
        .cte("registers")
    )
    return estimated_counts(registers, len(groups), intervals=interval is not None)


def _everything(cells: sa.CTE) -> sa.Select[Any]:
    nothing = [sa.cast(sa.null(), sa.Text)] * 2
    return sa.select(
        sa.false(),
        cells.c.interval,
        *nothing,
        _no_keys(),
        sa.cast(sa.func.sum(cells.c.rows), sa.BigInteger),
        sa.cast(sa.func.sum(cells.c.whole), sa.BigInteger),
        sa.func.sum(cells.c.total),
        sa.func.min(cells.c.low),
        sa.func.max(cells.c.high),
        sa.func.sum(cells.c.over),
    ).group_by(cells.c.interval)


def _columns(scan: Scan) -> tuple[Columns, Table, Table | None]:
    """Return the columns, the table of the query's grain, and the table of scores."""
    grain = scan.question.grain
    if scan.scores_alone:
        frame = scan.frame
        own_score, trace = (
            sums_of_hours(scan.project_id, frame.since, frame.until)
            if scan.score_hours
            else scores_of_traces(scan.project_id)
        )
        return Columns(scan.project_id, grain, trace, own_score), trace, own_score
    score = _sampled(scores, scan.share) if grain == "scores" else None
    if grain == "users":
        table: Table = user_sums_of_traces(scan.project_id)
    elif score is not None:
        table = traces.alias()
    elif scan.question.measured and scan.question.measured.field in MISSES:
        table = calls_with_previous(scan)
    else:
        own = {Grain.TRACE: traces, Grain.SPAN: spans, Grain.SESSION: sessions}
        table = _sampled(own[query_grain(grain)], scan.share)
    return Columns(scan.project_id, grain, table, score), table, score


def _sampled(table: sa.Table, share: float) -> Table:
    return table.alias() if share >= 1 else sample(table, share)


def _where(scan: Scan, table: Table) -> list[Column]:
    frame, grain = scan.frame, query_grain(scan.question.grain)
    conditions = [
        table.c.project_id == scan.project_id,
        table.c.start_time >= frame.since,
        table.c.start_time < frame.until,
        condition(_node(scan.question), grain, table, scan.clock),
    ]
    return [*conditions, ~table.c.placeholder] if grain is Grain.SPAN else conditions


def _node(question: Question) -> Node:
    # Scores are joined, so that every row has one.
    if question.grain == "scores":
        return parse(question.query, query_grain(question.grain))
    return question.node


def _condition(scan: Scan, text: str, table: Table) -> Column:
    grain = query_grain(scan.question.grain)
    return sa.func.coalesce(condition(parse(text, grain), grain, table, scan.clock), sa.false())


def _id(question: Question, own: Table) -> Column:
    names = {"traces": "trace_id", "sessions": "session_id", "users": "user_id"}
    name = names.get(question.grain)
    if name is not None:
        return own.c[name]
    return sa.tuple_(own.c.trace_id, own.c.score_id if "score_id" in own.c else own.c.span_id)


def _or_null(column: Column | None, name: str) -> sa.Label[Any]:
    if column is not None:
        return column.label(name)
    types: dict[str, Any] = {"interval": sa.DateTime(timezone=True), "key": sa.Integer}
    return sa.cast(sa.null(), types.get(name, sa.Text)).label(name)
