"""Compiles the query of a list in two steps: cheap conditions first, then expensive ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa

from tracer.query.fields import Grain
from tracer.query.moments import Clock
from tracer.query.tree import And, Node, Not, Or, Spans, Words, conjuncts
from tracer.store.query.compile import Compiler
from tracer.store.query.source import Column, Table
from tracer.store.schema import traces
from tracer.store.texts.conditions import has_row, text_candidate, text_verified

Verification = Callable[[Table], Column]
"""The second condition on the rows of a table or subquery with the keys of traces."""


def in_steps(node: Node, table: Table, clock: Clock) -> tuple[Column, Verification | None]:
    """Return the condition on traces in two steps; None: the first one is exact.

    The second reads the spans or texts of each trace that fulfils the first, in the order of the
    list until its page is full.

    Spans are looked up trace by trace: PostgreSQL would rather look for all spans that match, as it
    takes values that come together, such as those of a failed tool, for rare.
    """
    compiler = Compiler(Grain.TRACE, table, clock)
    first: list[Column] = []
    others: list[Node] = []
    verifications: list[Verification] = []
    for item in conjuncts(node):
        if isinstance(item, Words):
            first.append(text_candidate(table, item.text))
            verifications.append(partial(text_verified, text=item.text))
        elif isinstance(item, Spans) and compiler.reads_spans(item):
            candidate = compiler.candidate(item)
            first += [*compiler.counts(item), *([] if candidate is None else [candidate])]
            verifications.append(partial(_of_spans, item, clock))
        elif reads_more(item, clock):
            verifications.append(partial(_whole, item, clock))
        else:
            others.append(item)
    chosen = sa.and_(compiler.of(And(tuple(others))), *first)
    if not verifications:
        return chosen, None
    return chosen, lambda rows: sa.and_(*(verified(rows) for verified in verifications))


def reads_texts(node: Node) -> bool:
    """Return whether texts of traces may be read to decide."""
    return any(isinstance(part, Words) for part in _parts(node))


def reads_more(node: Node, clock: Clock) -> bool:
    """Return whether spans or texts of a trace may be read to decide."""
    compiler = Compiler(Grain.TRACE, traces, clock)
    parts = list(_parts(node))
    spans = (part for part in parts if isinstance(part, Spans))
    return any(isinstance(part, Words) for part in parts) or not all(map(compiler.counted, spans))


def _parts(node: Node) -> Iterator[Node]:
    """Yield the nodes about the trace itself and its spans: the node and what it consists of."""
    yield node
    items = node.items if isinstance(node, And | Or) else ()
    for item in (node.item,) if isinstance(node, Not) else items:
        yield from _parts(item)


def _whole(node: Node, clock: Clock, rows: Table) -> Column:
    return Compiler(Grain.TRACE, rows, clock).of(node)


def _of_spans(node: Spans, clock: Clock, rows: Table) -> Column:
    condition: Any = Compiler(Grain.TRACE, rows, clock).of_spans(node)
    return has_row(condition) if isinstance(condition, sa.Select) else condition
