"""Reads spans as rows of the tree: pages of one level, the path to a span, rows by id."""

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


# Not frozen: a page creates hundreds, and a frozen dataclass takes five times as long to create.
@dataclass(slots=True)
class SpanRow:
    """A span as one row of the tree."""

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
    """True: a stand-in for a parent that has not arrived."""
    child_count: int
    """Counted up to CHILD_COUNT_CAP + 1, which stands for any greater number."""


@dataclass(frozen=True, slots=True)
class Children:
    """One page of the children of `parent_id` (None: of the roots), in time order."""

    parent_id: str | None
    rows: list[SpanRow]
    earlier: str | None
    later: str | None


_STORED_FIELDS = [name for name in SpanRow.__dataclass_fields__ if name != "child_count"]


# Statements are built once: building takes SQLAlchemy as long as PostgreSQL takes to answer.
OF_TRACE: Final = (
    spans.c.project_id == sa.bindparam("project_id"),
    spans.c.trace_id == sa.bindparam("trace_id"),
)


def _child_count() -> sa.Label[int]:
    child = spans.alias("child")
    counted = (
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
    return sa.select(sa.func.count()).select_from(counted).scalar_subquery().label("child_count")


def _column(name: str) -> Any:
    if name != "flags":
        return spans.c[name]
    return sa.func.coalesce(spans.c.flags, sa.literal_column("'{}'::text[]")).label(name)


COLUMNS: Final[list[Any]] = [*(_column(name) for name in _STORED_FIELDS), _child_count()]
"""The columns of a SpanRow, in the order of its fields."""
_ROWS: Final = sa.select(*COLUMNS).where(*OF_TRACE)
# Ids are bound as one array, here and below: SQLAlchemy would compile an IN list for every length.
_BY_ID: Final = _ROWS.where(spans.c.span_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Text))))
# The order of siblings includes their common parent: for roots (IS NULL), PostgreSQL does not infer
# that the parent is constant. Without it, where one trace is a large part of the table, PostgreSQL
# would use the index of all spans by time and read the whole trace to find the roots.
_SIBLING_ORDER: Final = ("parent_span_id", "start_time", "span_id")


def _first_children() -> sa.Select[Any]:
    """Return the statement that reads the first page of children of several parents."""
    ids = sa.bindparam("parents", type_=ARRAY(sa.Text))
    parents = sa.func.unnest(ids).table_valued("parent_id", name="parents").render_derived()
    page = (
        # IS NOT DISTINCT FROM would not use the index, so roots are read separately.
        _ROWS.where(spans.c.parent_span_id == parents.c.parent_id)
        .order_by(*(spans.c[name] for name in _SIBLING_ORDER))
        .limit(sa.bindparam("max_rows"))
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
    values = {
        "project_id": project_id,
        "trace_id": trace_id,
        "parents": named,
        "max_rows": limit + 1,
    }
    rows_by_parent: dict[str | None, list[SpanRow]] = {parent_id: [] for parent_id in parent_ids}
    if named:
        for row in _read(_FIRST_CHILDREN, values):
            rows_by_parent[row.parent_span_id].append(row)
    if len(named) < len(rows_by_parent):
        rows_by_parent[None] = _level(project_id, trace_id, None, None, limit)
    return {parent: _page(parent, rows, limit, None) for parent, rows in rows_by_parent.items()}


def children_page(
    project_id: str,
    trace_id: str,
    parent_id: str | None,
    cursor: str | None = None,
    limit: int = 100,
) -> Children:
    """Return the page of one parent's children at `cursor` (None: the first page).

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
    """Return the children from `after` (included where `inclusive`) to `until` (included).

    `after` None: from the first child; `until` None: to the last. At most `limit` rows; `later` is
    the cursor of the rest.
    """
    rows = _level(project_id, trace_id, parent_id, after, limit, inclusive=inclusive, until=until)
    return _page(parent_id, rows, limit, after)


class Ancestor(NamedTuple):
    """A span on the path from a root to another span."""

    span_id: str
    parent_id: str | None
    start_time: datetime
    ahead: int
    """Number of earlier siblings, counted up to one page."""


# The order follows the index, so the count reads at most a page of it. Roots need a query of their
# own, because `parent_span_id = NULL` matches nothing.
_COUNT_AHEAD: Final = """
    SELECT count(*) FROM (
        SELECT 1 FROM spans s WHERE s.project_id = :project_id AND s.trace_id = :trace_id
            AND s.parent_span_id {parent_condition}
            AND (s.start_time, s.span_id) < (path.start_time, path.span_id)
        ORDER BY s.parent_span_id, s.start_time, s.span_id LIMIT :page
    ) earlier_siblings
"""
_PATH: Final = sa.text(f"""
    WITH RECURSIVE path (span_id, parent_span_id, start_time, height) AS (
        SELECT span_id, parent_span_id, start_time, 1 FROM spans
        WHERE project_id = :project_id AND trace_id = :trace_id AND span_id = :span_id
        UNION ALL
        SELECT s.span_id, s.parent_span_id, s.start_time, path.height + 1
        FROM path JOIN spans s ON s.project_id = :project_id AND s.trace_id = :trace_id
            AND s.span_id = path.parent_span_id
        WHERE path.height < :max_height
    )
    SELECT span_id, parent_span_id, start_time, CASE
        WHEN parent_span_id IS NULL THEN ({_COUNT_AHEAD.format(parent_condition="IS NULL")})
        ELSE ({_COUNT_AHEAD.format(parent_condition="= path.parent_span_id")})
    END
    FROM path ORDER BY height DESC
""")  # noqa: S608 - composed of constants; values are bound


def path_to(
    project_id: str, trace_id: str, span_id: str, limit: int = 100, page: int = 100
) -> list[Ancestor]:
    """Return the span's ancestors, root first, then the span itself; at most the nearest `limit`.

    Empty: there is no such span. Earlier siblings are counted up to `page`.
    """
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    rows = db.session.execute(_PATH, values | {"max_height": limit, "page": page})
    # By id: in a cycle of parents the same spans are returned repeatedly.
    return list({row[0]: Ancestor(*row) for row in rows}.values())


def siblings_from(project_id: str, trace_id: str, ancestor: Ancestor, limit: int = 100) -> Children:
    """Return the page of a level that starts with this span."""
    start = Key(True, ancestor.start_time, ancestor.span_id)
    rows = _level(project_id, trace_id, ancestor.parent_id, start, limit, inclusive=True)
    return _page(ancestor.parent_id, rows, limit, start if ancestor.ahead else None)


def read_rows(project_id: str, trace_id: str, span_ids: Iterable[str]) -> dict[str, SpanRow]:
    """Return the rows of these spans by id; ids without a span are left out."""
    values = {"project_id": project_id, "trace_id": trace_id, "ids": list(span_ids)}
    return {row.span_id: row for row in _read(_BY_ID, values)}


class ParentTimes(Protocol):
    """Times and kind of a parent span, with which its children's bars are compared."""

    @property
    def start_time(self) -> datetime: ...
    @property
    def end_time(self) -> datetime | None: ...
    @property
    def kind(self) -> str: ...


def read_parent_times(project_id: str, trace_id: str, span_id: str) -> ParentTimes | None:
    """Return the times and kind of a parent; None: the span has not arrived."""
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    row = db.session.execute(_PARENT_TIMES, values).one_or_none()
    return None if row is None else _ParentTimes(*row)


class _ParentTimes(NamedTuple):
    start_time: datetime
    end_time: datetime | None
    kind: str


_PARENT_TIMES: Final = sa.select(*(spans.c[name] for name in _ParentTimes._fields)).where(
    *OF_TRACE, spans.c.span_id == sa.bindparam("span_id"), spans.c.placeholder.is_(False)
)


_START: Final = sa.select(spans.c.start_time).where(
    *OF_TRACE, spans.c.span_id == sa.bindparam("span_id")
)


def start_of(project_id: str, trace_id: str, span_id: str) -> datetime | None:
    """Return the start time of a span; None: there is no such span."""
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    start: datetime | None = db.session.execute(_START, values).scalar()
    return start


def next_error(project_id: str, trace_id: str, after: str | None) -> str | None:
    """Return the id of the next failed span by start time; after the last one, of the first.

    None: no span failed. Reads one or two index entries, and the start of ``after``.
    """
    start = after and start_of(project_id, trace_id, after)
    order = sa.tuple_(spans.c.start_time, spans.c.span_id)
    query = (
        sa.select(spans.c.span_id)
        .where(*_in_trace(project_id, trace_id), spans.c.level == "error")
        .order_by(spans.c.start_time, spans.c.span_id)
        .limit(1)
    )
    if start:
        beyond = query.where(order > sa.tuple_(sa.literal(start), sa.literal(after)))
        span_id: str | None = db.session.execute(beyond).scalar()
        if span_id is not None:
            return span_id
    return db.session.execute(query).scalar()


def _in_trace(project_id: str, trace_id: str) -> tuple[sa.ColumnElement[bool], ...]:
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
    operator = None if key is None else "<" if backward else ">=" if inclusive else ">"
    query = _level_query(operator, roots=parent_id is None, ends=until is not None)
    values: dict[str, Any] = {"project_id": project_id, "trace_id": trace_id, "max_rows": limit + 1}
    if parent_id is not None:
        values["parent_id"] = parent_id
    for name, edge in (("key", key), ("until", until)):
        if edge is not None:
            values |= {f"{name}_time": edge.time, f"{name}_id": edge.row_id}
    return list(_read(query, values))


@lru_cache
def _level_query(operator: str | None, *, roots: bool, ends: bool) -> sa.Select[Any]:
    """Return the statement for the rows of a level that are ``>``, ``>=`` or ``<`` a key.

    ``operator`` None: from the first row on; ``ends``: up to another key, which is included.
    """
    query = _ROWS.where(
        spans.c.parent_span_id.is_(None)
        if roots
        else spans.c.parent_span_id == sa.bindparam("parent_id")
    )
    if operator is not None:
        query = query.where(_sibling_key().op(operator)(_bound_key("key")))
    if ends:
        query = query.where(_sibling_key() <= _bound_key("until"))
    direction = sa.desc if operator == "<" else sa.asc
    query = query.order_by(*(direction(spans.c[name]) for name in _SIBLING_ORDER))
    return query.limit(sa.bindparam("max_rows"))


def _sibling_key() -> sa.Tuple:
    return sa.tuple_(spans.c.start_time, spans.c.span_id)


def _bound_key(name: str) -> sa.Tuple:
    time = sa.bindparam(f"{name}_time", type_=spans.c.start_time.type)
    return sa.tuple_(time, sa.bindparam(f"{name}_id", type_=sa.Text))


def _page(parent_id: str | None, rows: list[SpanRow], limit: int, key: Key | None) -> Children:
    page, earlier, later = cut_page(rows, limit, key, lambda row: (row.start_time, row.span_id))
    return Children(parent_id, page, earlier, later)


def _read(query: sa.Select[Any], values: dict[str, Any]) -> Iterator[SpanRow]:
    return (SpanRow(*row) for row in db.session.execute(query, values))
