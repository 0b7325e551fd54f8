"""Reads the levels of the tree that a page shows: the first ones, the opened nodes, a path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tracer.store.analyses.sibling_groups import read_sibling_groups
from tracer.store.analyses.subtrees import read_subtrees
from tracer.store.database.paging import decode_cursor
from tracer.store.traces import span_tree
from tracer.store.traces.span_tree import Children, ParentTimes, SpanRow
from tracer.ui.base.measured import measured_span
from tracer.ui.tree.gaps import gaps_of
from tracer.ui.tree.nodes import Forest, Node, TreeLevel
from tracer.ui.tree.page_token import PageToken
from tracer.ui.tree.sibling_groups import last_group_start
from tracer.web.services import services

ROWS = 100
"""Rows that a page opens by itself, besides those of requested nodes."""
_MAX_STATEMENTS = 8
_PAGE = 100
# A page with a fixed end may have more rows than when it was loaded.
_GROWN_PAGE = 200
# A path of 100 levels must not read 100 siblings on each of them.
_PATH_PAGE = 10
# Two clocks in one process differ by some milliseconds; a larger difference is shown.
_SKEW = timedelta(milliseconds=5)


@dataclass(slots=True)
class TreeReader:
    """Reads levels of one trace; each statement reads at most one page per parent."""

    project_id: str
    trace_id: str
    folds: bool = False
    """Show sibling groups as one row. Not in a running trace: its groups still grow."""
    levels: dict[str | None, Children] = field(default_factory=dict)
    deep_row: SpanRow | None = None

    def page(self, parent_id: str | None, cursor: str) -> None:
        """Read the children of ``parent_id`` from ``cursor`` on; raises BadCursor."""
        self.levels[parent_id] = span_tree.children_page(
            self.project_id, self.trace_id, parent_id, cursor
        )
        if parent_id is not None:
            self.reveal(parent_id)

    def open(self, span_ids: Iterable[str]) -> None:
        """Open nodes breadth-first while their rows fit, and those of ``span_ids`` in any case."""
        requested = set(span_ids)
        self._load([None])
        for _ in range(_MAX_STATEMENTS):
            room = ROWS - self._row_count()
            parents: list[str | None] = []
            # A level that doesn't fit stays closed; a smaller one beside it can still open.
            for span in self._closed():
                # Always expand a single root, even when its children don't fit on the page.
                fits = span.child_count <= room or (
                    room == ROWS - 1 and span.parent_span_id is None
                )
                if span.span_id in requested or fits:
                    parents.append(span.span_id)
                    room -= span.child_count
            if not parents:
                return
            self._load(parents)

    def reveal(self, span_id: str) -> bool:
        """Open the path to a span; return whether the span exists."""
        path = span_tree.path_to(self.project_id, self.trace_id, span_id, page=_PAGE)
        if not path:
            return False
        # The path is too long: show its lower end separately from the roots.
        if path[0].parent_id is not None:
            top = path.pop(0).span_id
            self.deep_row = span_tree.read_rows(self.project_id, self.trace_id, [top]).get(top)
        limit = _PAGE if len(path) < _PATH_PAGE else _PATH_PAGE
        # If a span is not among the first rows of its level, the level is read from it on.
        self._load([span.parent_id for span in path if span.ahead < limit], limit)
        for span in path:
            level = self.levels.get(span.parent_id)
            if level is None or all(row.span_id != span.span_id for row in level.rows):
                self.levels[span.parent_id] = span_tree.siblings_from(
                    self.project_id, self.trace_id, span
                )
        return True

    def forest(self) -> Forest:
        """Return the levels that were read, nested."""
        # A copy: `_level` removes the pages that it uses.
        pages = dict(self.levels)
        roots = _level(pages, None, 0, None, self.folds)
        deep_node = _node(pages, self.deep_row, 1, None, self.folds) if self.deep_row else None
        complete(self.project_id, self.trace_id, roots, detached=[deep_node] if deep_node else [])
        return Forest(roots, deep_node, self._row_count())

    def _load(self, parent_ids: list[str | None], limit: int = _PAGE) -> None:
        missing = [parent_id for parent_id in parent_ids if parent_id not in self.levels]
        if missing:
            self.levels |= span_tree.children(self.project_id, self.trace_id, missing, limit)

    def _closed(self) -> list[SpanRow]:
        rows = (row for level in self.levels.values() for row in level.rows)
        return [row for row in rows if row.child_count and row.span_id not in self.levels]

    def _row_count(self) -> int:
        return sum(len(level.rows) for level in self.levels.values())


def read_level(
    project_id: str,
    trace_id: str,
    parent_id: str | None,
    cursor: str | None,
    depth: int,
    *,
    folds: bool = False,
    until: str | None = None,
) -> TreeLevel:
    """Return one page of children; a page that continues another has no cursor back to it.

    With both cursors it is a page of a sibling group, which ends with the row of ``until``. Raises
    BadCursor.
    """
    key = None if cursor is None else decode_cursor(cursor)
    end = decode_cursor(until) if until and key else None
    if end:
        page = span_tree.children_between(project_id, trace_id, parent_id, key, end, _PAGE)
    else:
        page = span_tree.children_page(project_id, trace_id, parent_id, cursor)
    parent = _parent_times(project_id, trace_id, parent_id)
    level = _level({parent_id: page}, parent_id, depth, parent, folds and not end)
    complete(project_id, trace_id, level)
    if end:
        # The gap after the group belongs to its level.
        level.until, level.gap = until, None
        level.token = level.token.within(end)
    if key is not None:
        level.continue_at(key)
    return level


def complete(
    project_id: str, trace_id: str, *levels: TreeLevel, detached: Sequence[Node] = ()
) -> None:
    """Read the subtree totals and high figures of all nodes, and the last group of each cut level.

    This includes the open levels below ``levels`` and ``detached``.
    """
    nodes = list(detached)
    cut: dict[str, TreeLevel] = {}
    unvisited = [*levels, *(node.level for node in detached if node.level)]
    while unvisited:
        level = unvisited.pop()
        nodes += level.nodes
        unvisited += [node.level for node in level.nodes if node.level]
        # The stored groups are those of whole levels: a lens leaves rows out.
        of_tree = level.token.folds and not level.token.lens
        if of_tree and level.cut and (first := last_group_start(level.nodes)):
            cut[first] = level
    subtrees = read_subtrees(project_id, trace_id, [node.span for node in nodes]) or {}
    for node in nodes:
        node.subtree = subtrees.get(node.span.span_id)
    measured = [measured_span(node.span) for node in nodes]
    for node, high in zip(nodes, services().thresholds.high(project_id, measured), strict=True):
        node.high = high
    for first, group in read_sibling_groups(project_id, trace_id, list(cut)).items():
        cut[first].last_group = group


def read_page(project_id: str, trace_id: str, token: PageToken) -> TreeLevel:
    """Return the page of children of a token, as it is now."""
    parent_id = token.parent_id
    page = span_tree.children_between(
        project_id,
        trace_id,
        parent_id,
        token.after,
        token.until,
        _PAGE if token.until is None else _GROWN_PAGE,
        inclusive=token.inclusive,
    )
    parent = _parent_times(project_id, trace_id, parent_id)
    level = _level({parent_id: page}, parent_id, token.depth, parent, token.folds)
    level.earlier = None
    if token.after is not None:
        # Gaps depend on the end times of earlier pages, which are not read here.
        for node in level.nodes:
            node.gap = None
        level.gap = None
    elif token.until is not None:
        level.gap = None
    if token.until is None:
        level.token = token.ended_at(page)
    else:
        level.later, level.token = None, token
    return level


def _parent_times(project_id: str, trace_id: str, parent_id: str | None) -> ParentTimes | None:
    """Return the time range and kind of a level's parent; None for roots."""
    if parent_id is None:
        return None
    return span_tree.read_parent_times(project_id, trace_id, parent_id)


def _level(
    pages: dict[str | None, Children],
    parent_id: str | None,
    depth: int,
    parent: ParentTimes | None,
    folds: bool,
) -> TreeLevel:
    # Each page is used once: spans that are each other's parents must not recurse for ever.
    page = pages.pop(parent_id)
    gaps = gaps_of(page.rows, parent, begins=page.earlier is None, ends=page.later is None)
    nodes = [_node(pages, row, depth, parent, folds) for row in page.rows]
    for node, gap in zip(nodes, gaps, strict=False):
        node.gap = gap
    token = PageToken.of(page, depth, folds)
    return TreeLevel(parent_id, depth, nodes, page.earlier, page.later, token, gaps[-1])


def _node(
    pages: dict[str | None, Children],
    row: SpanRow,
    depth: int,
    parent: ParentTimes | None,
    folds: bool,
) -> Node:
    early = parent.start_time - row.start_time if parent and not row.placeholder else None
    node = Node(row, depth, early=early if early is not None and early > _SKEW else None)
    if row.span_id in pages:
        # A placeholder starts with its earliest child, so no child can be early.
        within = None if row.placeholder else row
        node.level = _level(pages, row.span_id, depth + 1, within, folds)
    return node
