"""The SQL of numbers of distinct values, by interval and in the whole range: exact or estimated.

An estimate is a HyperLogLog: of the values whose hash has the same low bits, a register holds the
longest run of zeros that the other bits begin with. Many values have long runs.
"""

from __future__ import annotations

import math
from typing import Any, Final

import sqlalchemy as sa

from tracer.store.query.source import Column

_BITS: Final = 12
_REGISTERS: Final = 1 << _BITS
_REST: Final = 64 - _BITS
STANDARD_ERROR: Final = 1.04 / math.sqrt(_REGISTERS)
"""Of an estimate, as a part of it: 1.6 %. Two of three estimates are within it, 95 % within two."""
_SCALE: Final = 0.7213 / (1 + 1.079 / _REGISTERS) * _REGISTERS**2


def distinct_counts(pairs: sa.CTE, groups: int, *, intervals: bool) -> sa.Select[Any]:
    """Return the numbers of values by ``groups`` groups, in the columns of a scan's cells.

    ``pairs`` has each `interval`, `first`, `second` and `value` once, and no NULL as `value`.
    """
    number: Column = sa.func.count(sa.distinct(pairs.c.value))
    whole = _counts_by_group(pairs, sa.null().label("interval"), number, groups)
    if not intervals:
        return whole
    each = _counts_by_group(pairs, pairs.c.interval, sa.func.count(), groups, pairs.c.interval)
    return sa.select(sa.union_all(whole, each).subquery())


def hash_of(value: Column) -> Column:
    """Return the hash of a text, of 64 bits."""
    return sa.func.hashtextextended(value, sa.literal_column("0"), type_=sa.BigInteger)


def register_of(hashed: Column) -> tuple[Column, Column]:
    """Return the register of a hash, and the number whose leading zeros make its run.

    The least number of a register has the longest run, so the run is computed once per register: a
    logarithm for each row would take as long as reading the row.
    """
    rest = hashed.op(">>")(sa.literal_column(str(_BITS))).op("&")(_constant((1 << _REST) - 1))
    register = sa.cast(hashed.op("&")(_constant(_REGISTERS - 1)), sa.Integer)
    return register, sa.type_coerce(rest, sa.BigInteger)


def _constant(number: int) -> Column:
    return sa.literal_column(f"{number}::bigint", sa.BigInteger)


def _run_of(rest: Column) -> Column:
    """Return the number of zeros that a number of `_REST` bits begins with, plus one."""
    # All bits zero: 0.5 gives a run that is one longer than the number of bits.
    known = sa.func.greatest(sa.cast(rest, sa.Float), 0.5)
    return sa.cast(_REST - sa.func.floor(sa.func.ln(known) / math.log(2)), sa.Integer)


def estimated_counts(registers: sa.CTE, groups: int, *, intervals: bool) -> sa.Select[Any]:
    """Return estimated numbers of values by ``groups`` groups, in the columns of a scan's cells.

    ``registers`` has each `interval`, `first`, `second` and `register` once, with its least `rest`.
    """
    merged = (
        sa.select(
            sa.null().label("interval"),
            registers.c.first,
            registers.c.second,
            registers.c.register,
            sa.func.min(registers.c.rest).label("rest"),
        )
        .group_by(registers.c.first, registers.c.second, registers.c.register)
        .cte("merged")
    )
    whole = _counts_by_group(merged, sa.null().label("interval"), _estimate(merged.c.rest), groups)
    if not intervals:
        return whole
    number = _estimate(registers.c.rest)
    each = _counts_by_group(registers, registers.c.interval, number, groups, registers.c.interval)
    return sa.select(sa.union_all(whole, each).subquery())


def _estimate(rest: Column) -> Column:
    """Return the number of values that filled the registers of a group."""
    run = _run_of(rest)
    empty = _REGISTERS - sa.func.count()
    raw = _SCALE / (sa.func.coalesce(sa.func.sum(sa.func.power(2.0, -run)), 0) + empty)
    few = _REGISTERS * sa.func.ln(sa.cast(_REGISTERS, sa.Float) / sa.func.nullif(empty, 0))
    number = sa.case(((raw <= 2.5 * _REGISTERS) & (empty > 0), few), else_=raw)
    return sa.cast(sa.func.round(number), sa.BigInteger)


def _counts_by_group(
    pairs: sa.CTE, interval: Any, number: Column, groups: int, *by: Column
) -> sa.Select[Any]:
    names = [pairs.c.first, pairs.c.second][:groups]
    none = [sa.cast(sa.null(), sa.Numeric).label(name) for name in ("total", "low", "high", "over")]
    query = sa.select(
        sa.cast(interval, sa.DateTime(timezone=True)).label("interval"),
        *(
            pairs.c[name] if index < groups else sa.cast(sa.null(), sa.Text).label(name)
            for index, name in enumerate(("first", "second"))
        ),
        sa.cast(sa.null(), sa.Integer).label("key"),
        number.label("rows"),
        number.label("whole"),
        *none,
    )
    return query.group_by(*by, *names) if by or names else query
