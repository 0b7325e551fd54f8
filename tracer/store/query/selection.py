"""A query together with the clock that its relative times refer to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa

from tracer.query.fields import Grain, Type
from tracer.query.moments import Clock
from tracer.query.tree import EVERYTHING, Node, Not, Term, both, conjuncts
from tracer.store.query.compile import condition
from tracer.store.query.source import Column, Table
from tracer.store.query.steps import Verification, in_steps, reads_more, reads_texts

P = ParamSpec("P")
T = TypeVar("T")

_MAX_STATEMENTS: Final = 16
"""Statements of each kind that a process keeps: each takes about 200 kB."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one grain that match a query."""

    node: Node = EVERYTHING
    clock: Clock | None = None
    """None: the time of the statement, in UTC."""

    def condition(self, grain: Grain, table: Table) -> Column:
        """Return the SQL condition on rows of ``table``."""
        return condition(self.node, grain, table, self._clock())

    def in_steps(self, table: Table) -> tuple[Column, Verification | None]:
        """Return the condition on traces in two steps, for a list that ends with its page."""
        return in_steps(self.node, table, self._clock())

    @property
    def reads_more(self) -> bool:
        """Whether spans or texts of traces are read to decide, beside their rows."""
        return reads_more(self.node, self._clock())

    @property
    def reads_texts(self) -> bool:
        """Whether texts of traces are read to decide."""
        return reads_texts(self.node)

    def candidate(self, table: Table) -> Column:
        """Return the condition on traces that needs only their rows and indexes."""
        return self.in_steps(table)[0]

    def verified(self, table: Table) -> Column:
        """Return the condition of candidates that reads spans and texts for each row."""
        verified = self.in_steps(table)[1]
        return sa.true() if verified is None else verified(table)

    def row_condition(self, table: Table) -> Column:
        """Return the condition on traces that reads spans and texts for each row."""
        chosen, verified = self.in_steps(table)
        return chosen if verified is None else sa.and_(chosen, verified(table))

    @property
    def is_timeless(self) -> bool:
        """Whether it is a list of terms without times, whose statement is always the same."""
        return all(map(_is_timeless, conjuncts(self.node)))

    def _clock(self) -> Clock:
        return self.clock or Clock(datetime.now(UTC))

    def narrowed(self, node: Node) -> Selection:
        """Return the selection of those rows that match ``node`` as well."""
        return Selection(both(self.node, node), self.clock)


ALL = Selection()
"""Every row."""


def _is_timeless(node: Node) -> bool:
    term = node.item if isinstance(node, Not) else node
    return isinstance(term, Term) and term.field.type not in (Type.TIME, Type.ANY)


def kept_statement(
    build: Callable[Concatenate[str, Selection, P], T],
) -> Callable[Concatenate[str, Selection, P], T]:
    """Keep what a function builds for (project_id, selection, …) where its times don't matter.

    Building a statement of a list takes SQLAlchemy as long as PostgreSQL takes to answer it.
    """
    kept: Any = lru_cache(maxsize=_MAX_STATEMENTS)(build)

    @wraps(build)
    def statement(project_id: str, selection: Selection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if not selection.is_timeless:
            return build(project_id, selection, *args, **kwargs)
        built: T = kept(project_id, Selection(selection.node), *args, **kwargs)
        return built

    return statement
