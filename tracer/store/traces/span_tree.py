"""Reading spans as rows of the tree: one level at a time, the path to one, those of some ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.extensions import db
from tracer.store.database.paging import Key, cut_page, decode_cursor
from tracer.store.schema import spans

CHILD_COUNT_CAP = 100


# Not frozen: a page reads hundreds, and a frozen one takes five times as long to make.
@dataclass(slots=True)
class SpanRow:
    """A span as a row of the tree shows it."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    start_time: datetime
    end_time: datetime | None
    first_token_time: datetime | None
    status: str
    level: str
    status_message: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost: Decimal | None
    flags: list[str]
    placeholder: bool
    """True: stands in for a parent that has not arrived."""
    child_count: int
    """Counted up to CHILD_COUNT_CAP + 1: more than the cap means "and more"."""


@dataclass(frozen=True, slots=True)
class Children:
    """One page of the spans below `parent_id` (None: of the roots), in time order."""

    parent_id: str | None
    rows: list[SpanRow]
    earlier: str | None
    later: str | None


NARROW = [name for name in SpanRow.__dataclass_fields__ if name != "child_count"]


# Statements are put together once: SQLAlchemy takes as long for that as PostgreSQL for an answer.
OF_TRACE: Final = (
    spans.c.project_id == sa.bindparam("project_id"),
    spans.c.trace_id == sa.bindparam("trace_id"),
)


def _child_count() -> sa.Label[int]:
    child = spans.alias("child")
    some = (
        sa.select(sa.literal(1))
        .where(
            child.c.project_id == spans.c.project_id,
            child.c.trace_id == spans.c.trace_id,
            child.c.parent_span_id == spans.c.span_id,
        )
        .limit(CHILD_COUNT_CAP + 1)
        .correlate(spans)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(some).scalar_subquery().label("child_count")


def _column(name: str) -> Any:
    if name != "flags":
        return spans.c[name]
    return sa.func.coalesce(spans.c.flags, sa.literal_column("'{}'::text[]")).label(name)


COLUMNS: Final[list[Any]] = [*(_column(name) for name in NARROW), _child_count()]
"""What a SpanRow is made of, in its order."""
_ROWS: Final = sa.select(*COLUMNS).where(*OF_TRACE)
# An array, here and below: a list of any length would be put into words anew each time.
_BY_ID: Final = _ROWS.where(spans.c.span_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text))))
# The order of one parent's children. They have the parent in common, which PostgreSQL does not see
# of roots (IS NULL): without it in the order, of a trace that is a large part of the table, it
# takes the index of all spans by time, and reads the whole trace to find its roots.
_PLACE: Final = ("parent_span_id", "start_time", "span_id")


def _first_children() -> sa.Select[Any]:
    """Return the statement that reads the first page below each of several parents."""
    wanted = sa.bindparam("parents", type_=ARRAY(sa.Text))
    parents = sa.func.unnest(wanted).table_valued("parent_id", name="wanted").render_derived()
    page = (
        # IS NOT DISTINCT FROM would not use the index, so that roots are read apart.
        _ROWS.where(spans.c.parent_span_id == parents.c.parent_id)
        .order_by(*(spans.c[name] for name in _PLACE))
        .limit(sa.bindparam("most"))
        .lateral("page")
    )
    return sa.select(page).select_from(parents.join(page, sa.true()))


_FIRST_CHILDREN: Final = _first_children()


def children(
    project_id: str, trace_id: str, parent_ids: Sequence[str | None], limit: int = 100
) -> dict[str | None, Children]:
    """Return the first page of children of each parent (None: the roots), in one statement.

    Reads at most `limit` + 1 index entries per parent, however large the trace.
    """
    named = [parent_id for parent_id in parent_ids if parent_id is not None]
    values = {"project_id": project_id, "trace_id": trace_id, "parents": named, "most": limit + 1}
    found: dict[str | None, list[SpanRow]] = {parent_id: [] for parent_id in parent_ids}
    if named:
        for row in _read(_FIRST_CHILDREN, values):
            found[row.parent_span_id].append(row)
    if len(named) < len(found):
        found[None] = _level(project_id, trace_id, None, None, limit)
    return {parent: _page(parent, rows, limit, None) for parent, rows in found.items()}


def children_page(
    project_id: str,
    trace_id: str,
    parent_id: str | None,
    cursor: str | None = None,
    limit: int = 100,
) -> Children:
    """Return the page of one parent's children at `cursor`, without one the first.

    Raises BadCursor.
    """
    key = decode_cursor(cursor) if cursor else None
    return _page(parent_id, _level(project_id, trace_id, parent_id, key, limit), limit, key)


def children_between(
    project_id: str,
    trace_id: str,
    parent_id: str | None,
    after: Key | None,
    until: Key | None,
    limit: int,
    *,
    inclusive: bool = False,
) -> Children:
    """Return the children from `after` (with it where `inclusive`) to `until` (with it).

    None is open: the level's beginning, its end. At most `limit` rows; `later` leads on where
    there are more of them.
    """
    rows = _level(project_id, trace_id, parent_id, after, limit, inclusive=inclusive, until=until)
    return _page(parent_id, rows, limit, after)


class Step(NamedTuple):
    """A span on the way from a root to another span."""

    span_id: str
    parent_id: str | None
    start_time: datetime
    ahead: int
    """Siblings before it, counted up to a page of them."""


# The rows ahead are counted along their own index, in whose order they lie: see _PLACE. Roots are
# counted apart, for NULL is like no parent.
_AHEAD: Final = """
    SELECT count(*) FROM (
        SELECT 1 FROM spans s WHERE s.project_id = :project_id AND s.trace_id = :trace_id
            AND s.parent_span_id {its} AND (s.start_time, s.span_id) < (up.start_time, up.span_id)
        ORDER BY s.parent_span_id, s.start_time, s.span_id LIMIT :page
    ) few
"""
_PATH: Final = sa.text(f"""
    WITH RECURSIVE up (span_id, parent_span_id, start_time, height) AS (
        SELECT span_id, parent_span_id, start_time, 1 FROM spans
        WHERE project_id = :project_id AND trace_id = :trace_id AND span_id = :span_id
        UNION ALL
        SELECT s.span_id, s.parent_span_id, s.start_time, up.height + 1
        FROM up JOIN spans s ON s.project_id = :project_id AND s.trace_id = :trace_id
            AND s.span_id = up.parent_span_id
        WHERE up.height < :most
    )
    SELECT span_id, parent_span_id, start_time, CASE
        WHEN parent_span_id IS NULL THEN ({_AHEAD.format(its="IS NULL")})
        ELSE ({_AHEAD.format(its="= up.parent_span_id")})
    END
    FROM up ORDER BY height DESC
""")


def path_to(
    project_id: str, trace_id: str, span_id: str, limit: int = 100, page: int = 100
) -> list[Step]:
    """Return the span's ancestors, root first, and itself last; at most the `limit` nearest.

    Empty where there is no such span. Siblings ahead of each are counted up to `page`.
    """
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    rows = db.session.execute(_PATH, values | {"most": limit, "page": page})
    # By id: spans that are each other's parents come round again.
    return list({row[0]: Step(*row) for row in rows}.values())


def siblings_from(project_id: str, trace_id: str, step: Step, limit: int = 100) -> Children:
    """Return the page of a level that starts with a span of it."""
    start = Key(True, step.start_time, step.span_id)
    rows = _level(project_id, trace_id, step.parent_id, start, limit, inclusive=True)
    return _page(step.parent_id, rows, limit, start if step.ahead else None)


def read_rows(project_id: str, trace_id: str, span_ids: Iterable[str]) -> dict[str, SpanRow]:
    """Return those of the spans that there are, by id."""
    values = {"project_id": project_id, "trace_id": trace_id, "ids": list(span_ids)}
    return {row.span_id: row for row in _read(_BY_ID, values)}


class Frame(Protocol):
    """What the spans below a span are held against: the span itself, or as much as is known."""

    @property
    def start_time(self) -> datetime: ...
    @property
    def end_time(self) -> datetime | None: ...
    @property
    def kind(self) -> str: ...


def frame_of(project_id: str, trace_id: str, span_id: str) -> Frame | None:
    """Return a span's times and kind; None: it has not arrived."""
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    row = db.session.execute(_FRAME, values).one_or_none()
    return None if row is None else _Frame(*row)


class _Frame(NamedTuple):
    start_time: datetime
    end_time: datetime | None
    kind: str


_FRAME: Final = sa.select(*(spans.c[name] for name in _Frame._fields)).where(
    *OF_TRACE, spans.c.span_id == sa.bindparam("span_id"), spans.c.placeholder.is_(False)
)


_START: Final = sa.select(spans.c.start_time).where(
    *OF_TRACE, spans.c.span_id == sa.bindparam("span_id")
)


def start_of(project_id: str, trace_id: str, span_id: str) -> datetime | None:
    """Return when a span began; None: there is no such span."""
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    found: datetime | None = db.session.execute(_START, values).scalar()
    return found


def next_error(project_id: str, trace_id: str, after: str | None) -> str | None:
    """Return the id of the failed span that began next after a span, round to the first again.

    None: no span failed. One or two index entries are read.
    """
    start = after and start_of(project_id, trace_id, after)
    place = sa.tuple_(spans.c.start_time, spans.c.span_id)
    query = (
        sa.select(spans.c.span_id)
        .where(*_is(project_id, trace_id), spans.c.level == "error")
        .order_by(spans.c.start_time, spans.c.span_id)
        .limit(1)
    )
    if start:
        beyond = query.where(place > sa.tuple_(sa.literal(start), sa.literal(after)))
        found: str | None = db.session.execute(beyond).scalar()
        if found is not None:
            return found
    return db.session.execute(query).scalar()


def _is(project_id: str, trace_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return spans.c.project_id == project_id, spans.c.trace_id == trace_id


def _level(
    project_id: str,
    trace_id: str,
    parent_id: str | None,
    key: Key | None,
    limit: int,
    *,
    inclusive: bool = False,
    until: Key | None = None,
) -> list[SpanRow]:
    backward = key is not None and not key.forward
    after = None if key is None else "<" if backward else ">=" if inclusive else ">"
    query = _level_query(after, roots=parent_id is None, ends=until is not None)
    values: dict[str, Any] = {"project_id": project_id, "trace_id": trace_id, "most": limit + 1}
    if parent_id is not None:
        values["parent_id"] = parent_id
    for name, edge in (("key", key), ("until", until)):
        if edge is not None:
            values |= {f"{name}_time": edge.time, f"{name}_id": edge.row_id}
    return list(_read(query, values))


@lru_cache
def _level_query(after: str | None, *, roots: bool, ends: bool) -> sa.Select[Any]:
    """Return the statement for rows of a level that are ``after`` (``>=``, ``<`` …) a key."""
    query = _ROWS.where(
        spans.c.parent_span_id.is_(None)
        if roots
        else spans.c.parent_span_id == sa.bindparam("parent_id")
    )
    if after is not None:
        query = query.where(_order().op(after)(_edge("key")))
    if ends:
        query = query.where(_order() <= _edge("until"))
    direction = sa.desc if after == "<" else sa.asc
    query = query.order_by(*(direction(spans.c[name]) for name in _PLACE))
    return query.limit(sa.bindparam("most"))


def _order() -> sa.Tuple:
    return sa.tuple_(spans.c.start_time, spans.c.span_id)


def _edge(name: str) -> sa.Tuple:
    time = sa.bindparam(f"{name}_time", type_=spans.c.start_time.type)
    return sa.tuple_(time, sa.bindparam(f"{name}_id", type_=sa.Text))


def _page(parent_id: str | None, rows: list[SpanRow], limit: int, key: Key | None) -> Children:
    page, earlier, later = cut_page(rows, limit, key, lambda row: (row.start_time, row.span_id))
    return Children(parent_id, page, earlier, later)


def _read(query: sa.Select[Any], values: dict[str, Any]) -> Iterator[SpanRow]:
    return (SpanRow(*row) for row in db.session.execute(query, values))
