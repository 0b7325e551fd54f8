"""The partial sums of a question from rollups and from changes not yet added to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.measure.fields import TOKEN_TYPE, Reference
from tracer.measure.question import Question
from tracer.query.fields import Type
from tracer.query.tree import And, Node, Not, Or, Term
from tracer.store.measure.cells import Scan, interval_of
from tracer.store.measure.distinct import distinct_counts, estimated_counts, hash_of, register_of
from tracer.store.measure.pending import KEYS, pending_sums
from tracer.store.measure.plan import DIMENSIONS, HISTOGRAMS, Plan, Segment, share_state
from tracer.store.query.matches import scalar_condition
from tracer.store.query.source import Column
from tracer.store.rollups.changes import MAX_PENDING
from tracer.store.rollups.sums import COUNT_BITS, HALF_COUNT, NUMBERS
from tracer.store.rollups.sums import HISTOGRAMS as ARRAYS
from tracer.store.schema import background_upgrades, rollup_changes, rollup_series, rollups

ROLLUPS_OF_SERIES: Final = rollup_series.join(
    rollups,
    (rollups.c.project_id == rollup_series.c.project_id)
    & (rollups.c.series == rollup_series.c.series),
)


def rollups_ready() -> bool:
    """Return whether the rollups include every trace, and few enough changes are pending."""
    unfinished = sa.exists().where(
        background_upgrades.c.name == "rollups", background_upgrades.c.finished_at.is_(None)
    )
    pending = sa.select(rollup_changes.c.change).limit(MAX_PENDING + 1).subquery()
    number = sa.select(sa.func.count()).select_from(pending).scalar_subquery()
    return bool(db.session.scalar(sa.select(~unfinished & (number <= MAX_PENDING))))


def exceeds(project_id: str, counts: str, number: int) -> bool:
    """Return whether the project has more than ``number`` series of this grain."""
    series = (
        sa.select(rollup_series.c.series)
        .where(rollup_series.c.project_id == project_id, rollup_series.c.grain == counts)
        .limit(number + 1)
        .subquery()
    )
    return bool(db.session.scalar(sa.select(sa.func.count() > number).select_from(series)))


def has_more_rollups(scan: Scan, plan: Plan, number: int) -> bool:
    """Return whether the answer would read more than ``number`` rows of rollups."""
    read = (_folded(scan, plan, each).with_only_columns(rollups.c.start) for each in plan.segments)
    some = sa.union_all(*read).limit(number + 1).subquery()
    return bool(db.session.scalar(sa.select(sa.func.count() > number).select_from(some)))


def rollup_cells(scan: Scan, plan: Plan) -> sa.Select[Any]:
    """Return the statement of the cells of a question, in the columns of a scan's."""
    question = scan.question
    source = source_rows(scan, plan)
    by = _interval_and_groups(scan, plan, source)
    if question.counted is not None:
        return _distinct(scan, plan, source, by)
    rows: Any = source
    key: Column | None = None
    total: Column = sa.cast(sa.null(), sa.Numeric)
    sums: list[Column]
    has_values: Column | None = None
    if question.by_key:
        counts = elements_of(source.c[HISTOGRAMS[_measured(question)]])
        rows = source.join(counts, sa.true())
        key = unpacked_key(counts.c.value)
        # Sums of bigints are numeric, which takes twice as long; counts are exact as doubles.
        sums = [sa.func.sum(sa.cast(unpacked_number(counts.c.value), sa.Double))] * 2
    elif any(group.field is TOKEN_TYPE for group in question.groups):
        types = _types(source)
        rows = source.join(types, sa.true())
        by = {name: types.c.key if column is None else column for name, column in by.items()}
        sums = [sa.func.sum(source.c.rows)] * 2
        total = sa.func.sum(sa.cast(types.c.value, sa.Numeric))
        # A pending change may add tokens to rows that were already counted.
        has_values = total != 0
    else:
        rows, sums, total = _sums(question, plan, source)
    none = sa.cast(sa.null(), sa.Numeric)
    query = sa.select(
        *(column.label(name) for name, column in by.items() if column is not None),
        (sa.cast(sa.null(), sa.Integer) if key is None else key).label("key"),
        sa.cast(sums[0], sa.BigInteger).label("rows"),
        sa.cast(sums[1], sa.BigInteger).label("whole"),
        total.label("total"),
        none.label("low"),
        none.label("high"),
        (_sum_of(question.divisor, source) if question.divisor else none).label("over"),
    ).select_from(rows)
    number = 3 if key is None else 4
    grouped: list[Column] = [sa.literal_column(str(ordinal)) for ordinal in range(1, number + 1)]
    if has_values is None:
        has_values = sums[question.is_share] > 0
    return query.group_by(*grouped).having(has_values)


def source_rows(scan: Scan, plan: Plan) -> sa.Subquery:
    """Return the rows of rollups that add up to the answer, and of changes not yet added."""
    folded = (_folded(scan, plan, segment) for segment in plan.segments)
    return sa.union_all(*folded, _pending(scan, plan)).subquery("source")


def _interval_and_groups(scan: Scan, plan: Plan, source: sa.Subquery) -> dict[str, Column | None]:
    """Return the interval and the groups of a row; None: the type of tokens."""
    columns = DIMENSIONS[plan.counts]
    groups: list[Column | None] = [
        None if group.field is TOKEN_TYPE else source.c[columns[group.field.name]]
        for group in scan.question.groups
    ]
    while len(groups) < 2:
        groups.append(sa.cast(sa.null(), sa.Text))
    interval = interval_of(scan.frame, source.c.start)
    if interval is None:
        interval = sa.cast(sa.null(), sa.DateTime(timezone=True))
    return {"interval": interval, "first": groups[0], "second": groups[1]}


def _sums(question: Question, plan: Plan, source: sa.Subquery) -> tuple[Any, list[Column], Column]:
    """Return what to select from, [number of rows, number of values], and their sum."""
    none = sa.cast(sa.null(), sa.Numeric)
    if question.measured is None:
        if question.is_share:
            part = _state_rows(share_state(question), source)
            return source, [sa.func.sum(part), sa.func.sum(source.c.rows)], none
        rows = sa.func.sum(_state_rows(plan.state, source))
        return source, [rows, rows], none
    name, total = _measured(question), _sum_of(question.measured, source)
    if name == "usage" or question.divisor is not None:
        rows = sa.func.sum(source.c.rows)
        return source, [rows, rows], total
    # Joined, so that PostgreSQL counts them once for both columns that need it.
    values = _number(source.c[HISTOGRAMS.get(name, "token_counts")]).lateral("value_number")
    number = sa.func.coalesce(sa.func.sum(values.c.number), 0)
    joined = source.join(values, sa.true())
    return joined, [sa.func.sum(source.c.rows), number], sa.case((number > 0, total))


def _sum_of(reference: Reference, source: sa.Subquery) -> Column:
    """Return the sum of a field, in the unit of its values."""
    if reference.field.name == "usage":
        tokens = source.c.usage.op("->>")(reference.key)
        return sa.func.sum(sa.cast(tokens, sa.Numeric))
    total: Column = sa.func.sum(source.c[reference.field.name])
    if reference.field.type is Type.DURATION:
        return sa.cast(total, sa.Float) / 1_000_000
    return total


def _state_rows(state: str | None, source: sa.Subquery) -> Column:
    by_state: dict[str | None, Column] = {
        None: source.c.rows,
        "error": source.c.errors,
        "running": source.c.running,
        "completed": source.c.rows - source.c.errors - source.c.running,
    }
    return by_state[state]


def _distinct(
    scan: Scan, plan: Plan, source: sa.Subquery, by: Mapping[str, Column | None]
) -> sa.Select[Any]:
    """Return the users by interval and group; without users whose traces were all deleted."""
    value = source.c.name
    columns = [_required(column).label(name) for name, column in by.items()]
    intervals, groups = scan.frame.width is not None, len(scan.question.groups)
    if plan.estimates:
        register, rest = register_of(hash_of(value))
        registers = (
            sa.select(*columns, register.label("register"), sa.func.min(rest).label("rest"))
            .where(value.is_not(None), _state_rows(plan.state, source) > 0)
            .group_by(*(sa.literal_column(str(number)) for number in (1, 2, 3, 4)))
            .cte("registers")
        )
        return estimated_counts(registers, groups, intervals=intervals)
    pairs = (
        sa.select(*columns, value.label("value"))
        .where(value.is_not(None))
        .group_by(*(sa.literal_column(str(number)) for number in (1, 2, 3, 4)))
        .having(sa.func.sum(_state_rows(plan.state, source)) > 0)
        .cte("pairs")
    )
    return distinct_counts(pairs, groups, intervals=intervals)


def _required(column: Column | None) -> Column:
    assert column is not None
    return column


def _folded(scan: Scan, plan: Plan, segment: Segment) -> sa.Select[Any]:
    series = rollup_series
    return (
        sa.select(
            rollups.c.start,
            *(series.c[name] for name in KEYS),
            *(rollups.c[name] for name in (*NUMBERS, *ARRAYS)),
            rollups.c.usage,
        )
        .select_from(ROLLUPS_OF_SERIES)
        .where(
            series.c.project_id == scan.project_id,
            series.c.grain == plan.counts,
            series.c.whole == sa.literal(plan.whole),
            _condition(scan, plan, plan.conditions, series.c),
            rollups.c.width == segment.width,
            rollups.c.start >= segment.since,
            rollups.c.start < segment.until,
        )
    )


def _pending(scan: Scan, plan: Plan) -> sa.Select[Any]:
    rows = pending_sums(scan.project_id, plan.counts).subquery("pending_sums")
    return sa.select(rows).where(
        rows.c.start >= scan.frame.since,
        rows.c.start < scan.frame.until,
        _condition(scan, plan, plan.conditions, rows.c),
    )


def _condition(scan: Scan, plan: Plan, node: Node, columns: Any) -> Column:
    """Return the condition that a series is among those that the query selects."""
    if isinstance(node, And | Or):
        join: Callable[..., Column] = sa.and_ if isinstance(node, And) else sa.or_
        first = sa.true() if isinstance(node, And) else sa.false()
        return join(first, *(_condition(scan, plan, item, columns) for item in node.items))
    if isinstance(node, Not):
        return _condition(scan, plan, node.item, columns).is_not(sa.true())
    assert isinstance(node, Term)
    column = columns[DIMENSIONS[plan.counts][node.field.name]]
    return scalar_condition(node.field, column, node.matches, scan.clock)


def _measured(question: Question) -> str:
    assert question.measured is not None
    return question.measured.field.name


def _types(source: sa.Subquery) -> Any:
    usage = sa.func.coalesce(source.c.usage, sa.literal_column("'{}'::jsonb"))
    return (
        sa.func.jsonb_each_text(usage).table_valued("key", "value", name="types").render_derived()
    )


def elements_of(counts: Column, name: str = "counts") -> Any:
    """Return the elements of an array of counts, as a table with the column `value`."""
    return sa.func.unnest(counts).table_valued("value", name=name).render_derived()


def unpacked_key(value: Column) -> Column:
    """Return the key of an element of an array of counts."""
    bits = sa.type_coerce(value, sa.BigInteger)
    return sa.cast((bits + HALF_COUNT).op(">>")(sa.literal(COUNT_BITS, sa.Integer)), sa.Integer)


def unpacked_number(value: Column) -> Column:
    """Return the number of an element of an array of counts."""
    bits = sa.type_coerce(value, sa.BigInteger)
    mask = sa.cast(sa.literal((1 << COUNT_BITS) - 1), sa.BigInteger)
    return (bits + HALF_COUNT).op("&", return_type=sa.BigInteger())(mask) - HALF_COUNT


def number_of_values(counts: Column) -> Column:
    """Return how many values an array of counts has."""
    return _number(counts).correlate(counts.table).scalar_subquery()


def _number(counts: Column) -> sa.Select[Any]:
    each = elements_of(counts, "total")
    # Sums of bigints are numeric, which takes twice as long; counts are exact as doubles.
    number = sa.func.sum(sa.cast(unpacked_number(each.c.value), sa.Double))
    return sa.select(number.label("number")).select_from(each)
