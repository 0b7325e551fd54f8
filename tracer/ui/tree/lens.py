"""The rows of a lens: spans of one family, or failed ones, in time order under their ancestors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tracer.store.database.paging import Key, decode_cursor
from tracer.store.timeline.lens import LensPage, Part, read_lens
from tracer.store.traces.span_tree import Children, SpanRow, start_of
from tracer.ui.tree.levels import complete
from tracer.ui.tree.nodes import Forest, Node, TreeLevel
from tracer.ui.tree.page_token import PageToken

_PAGE: Final = 100
# A page with a fixed end may have more rows than when it was loaded.
_GROWN_PAGE: Final = 200
_NOTHING: Final = LensPage(Children(None, [], None, None), {}, 0)


def lens_forest(
    project_id: str,
    trace_id: str,
    lens: str,
    cursor: str | None,
    selected: str | None,
    *,
    folds: bool,
) -> Forest:
    """Return a page of the lens: at ``cursor``, else the first that is not before ``selected``.

    ``folds``: show equal siblings as one row. Raises BadCursor.
    """
    part = Part(decode_cursor(cursor)) if cursor else Part()
    page = read_lens(project_id, trace_id, lens, part, _PAGE)
    if page and not cursor and selected and page.spans.later and not _holds(page, selected):
        start = start_of(project_id, trace_id, selected)
        part = Part(Key(True, start, selected), inclusive=True) if start else part
        near = read_lens(project_id, trace_id, lens, part, _PAGE)
        page = near if near and near.spans.rows else page
    shown = page or _NOTHING
    token = PageToken.of(shown.spans, 0, folds, lens)
    level = _level(project_id, trace_id, shown, token)
    unread = page.unread if page else None
    return Forest(level, None, len(level.nodes), lens=lens, unread=unread)


def lens_level(project_id: str, trace_id: str, lens: str, cursor: str, *, folds: bool) -> TreeLevel:
    """Return the page of the lens that continues another at ``cursor``. Raises BadCursor."""
    key = decode_cursor(cursor)
    page = read_lens(project_id, trace_id, lens, Part(key), _PAGE) or _NOTHING
    token = PageToken.of(page.spans, 0, folds, lens)
    level = _level(project_id, trace_id, page, token)
    level.continue_at(key)
    return level


def lens_page(project_id: str, trace_id: str, token: PageToken) -> TreeLevel:
    """Return the page of a token, as it is now."""
    part = Part(token.after, token.inclusive, token.until)
    limit = _PAGE if token.until is None else _GROWN_PAGE
    page = read_lens(project_id, trace_id, token.lens, part, limit) or _NOTHING
    level = _level(project_id, trace_id, page, token)
    level.earlier = None
    if token.until is None:
        level.token = token.ended_at(page.spans)
    else:
        level.later = None
    return level


def _holds(page: LensPage, span_id: str) -> bool:
    return any(row.span_id == span_id for row in page.spans.rows)


def _level(project_id: str, trace_id: str, page: LensPage, token: PageToken) -> TreeLevel:
    own = {row.span_id for row in page.spans.rows}
    rows = [*page.spans.rows, *page.ancestors.values()]
    parents = {row.parent_span_id for row in rows}
    nodes = [
        Node(row, depth, outside_lens=row.span_id not in own, has_rows_below=row.span_id in parents)
        for depth, row in _in_tree(rows)
    ]
    level = TreeLevel(None, 0, nodes, page.spans.earlier, page.spans.later, token)
    complete(project_id, trace_id, level)
    for node in nodes:
        # What is below is shown where it belongs to the lens: there is nothing to open.
        node.span.child_count = 0
    return level


def _in_tree(rows: Iterable[SpanRow]) -> Iterator[tuple[int, SpanRow]]:
    """Yield (depth, span), each parent before its children, which are in order of time."""
    left = {row.span_id: row for row in sorted(rows, key=lambda row: (row.start_time, row.span_id))}
    below: dict[str | None, list[SpanRow]] = {}
    for row in left.values():
        parent = row.parent_span_id if row.parent_span_id in left else None
        below.setdefault(parent, []).append(row)
    # Spans that are each other's parents are below no root: they follow as roots.
    starts = [*below.get(None, ()), *left.values()]
    ahead = [(0, row) for row in reversed(starts)]
    while ahead:
        depth, row = ahead.pop()
        if left.pop(row.span_id, None) is None:
            continue
        yield depth, row
        ahead += [(depth + 1, child) for child in reversed(below.get(row.span_id, ()))]
