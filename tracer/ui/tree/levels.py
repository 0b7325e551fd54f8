"""Which rows of a tree a page shows: the first levels, what was asked for, the way to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tracer.store.analyses.sibling_groups import read_sibling_groups
from tracer.store.analyses.subtrees import read_subtrees
from tracer.store.database.paging import decode_cursor
from tracer.store.traces import span_tree
from tracer.store.traces.span_tree import Children, Frame, SpanRow
from tracer.ui.tree.gaps import gaps_of
from tracer.ui.tree.nodes import Forest, Level, Node
from tracer.ui.tree.page_token import Stretch
from tracer.ui.tree.sibling_runs import open_run

ROWS = 100
"""Rows that a page opens by itself; levels that were asked for come on top."""
_STATEMENTS = 8
_PAGE = 100
# A page that has an end may have got rows in between since it was loaded.
_GROWN_PAGE = 200
# A path 100 levels deep must not bring 100 siblings along on each.
_PATH_PAGE = 10


# Two clocks in one process differ by some milliseconds; more than that is worth a word.
_SKEW = timedelta(milliseconds=5)


@dataclass(slots=True)
class TreeReader:
    """Reads levels of one trace; each statement reads at most a page per parent."""

    project_id: str
    trace_id: str
    folds: bool = False
    """Show runs of like spans as one row: not while they grow under the reader's eyes."""
    levels: dict[str | None, Children] = field(default_factory=dict)
    apart: SpanRow | None = None

    def page(self, parent_id: str | None, cursor: str) -> None:
        """Show the children of ``parent_id`` from ``cursor`` on; raises BadCursor."""
        self.levels[parent_id] = span_tree.children_page(
            self.project_id, self.trace_id, parent_id, cursor
        )
        if parent_id is not None:
            self.reveal(parent_id)

    def open(self, wanted: Iterable[str]) -> None:
        """Open breadth-first while the rows fit, and every node of ``wanted`` that is met."""
        asked = set(wanted)
        self._load([None])
        for _ in range(_STATEMENTS):
            room = ROWS - self._row_count()
            parents: list[str | None] = []
            # Levels that don't fit are left closed, and smaller ones beside them still open.
            for span in self._closed():
                # A lone root is no news without its children, however many they are.
                fits = span.child_count <= room or (
                    room == ROWS - 1 and span.parent_span_id is None
                )
                if span.span_id in asked or fits:
                    parents.append(span.span_id)
                    room -= span.child_count
            if not parents:
                return
            self._load(parents)

    def reveal(self, span_id: str) -> bool:
        """Open the path to a span; return whether there is such a span."""
        path = span_tree.path_to(self.project_id, self.trace_id, span_id, page=_PAGE)
        if not path:
            return False
        # Otherwise the path was cut at its top: its end is shown apart.
        if path[0].parent_id is not None:
            top = path.pop(0).span_id
            self.apart = span_tree.read_rows(self.project_id, self.trace_id, [top]).get(top)
        limit = _PAGE if len(path) < _PATH_PAGE else _PATH_PAGE
        # Where a step is not among its level's first, the level is read from there on.
        near = {step.parent_id: step.ahead < limit for step in path}
        self._load([parent_id for parent_id in near if near[parent_id]], limit)
        for step in path:
            level = self.levels.get(step.parent_id)
            if level is None or all(row.span_id != step.span_id for row in level.rows):
                self.levels[step.parent_id] = span_tree.siblings_from(
                    self.project_id, self.trace_id, step
                )
        return True

    def forest(self) -> Forest:
        """Return what was read, as nested levels."""
        # A copy: building takes levels out.
        left = dict(self.levels)
        roots = _level(left, None, 0, None, self.folds)
        apart = _node(left, self.apart, 1, None, self.folds) if self.apart else None
        complete(self.project_id, self.trace_id, roots, apart=[apart] if apart else [])
        return Forest(roots, apart, self._row_count())

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
) -> Level:
    """Return one page of children; a page that continues another doesn't point back at it.

    Both cursors given it is a page of a run, which ends with the row of ``until``. Raises
    BadCursor.
    """
    key = None if cursor is None else decode_cursor(cursor)
    end = decode_cursor(until) if until and key else None
    if end:
        page = span_tree.children_between(project_id, trace_id, parent_id, key, end, _PAGE)
    else:
        page = span_tree.children_page(project_id, trace_id, parent_id, cursor)
    frame = _frame_of(project_id, trace_id, parent_id)
    level = _level({parent_id: page}, parent_id, depth, frame, folds and not end)
    complete(project_id, trace_id, level)
    if end:
        # What follows the run is not the run's.
        level.until, level.gap = until, None
        level.stretch = level.stretch.within(end)
    # The rows it continues are on the page already.
    if key is not None:
        if key.forward:
            level.earlier = None
            # What arrives later between two pages belongs to the second.
            level.stretch = level.stretch.begun_after(key.time, key.row_id)
        else:
            level.later = None
    return level


def complete(project_id: str, trace_id: str, *levels: Level, apart: Sequence[Node] = ()) -> None:
    """Set what these levels and all that are open below them hold beyond their rows.

    That is what the subtrees of their nodes add up to, and how far their last runs go.
    """
    nodes = list(apart)
    cut: dict[str, Level] = {}
    ahead = [*levels, *(node.level for node in apart if node.level)]
    while ahead:
        level = ahead.pop()
        nodes += level.nodes
        ahead += [node.level for node in level.nodes if node.level]
        if level.stretch.folds and level.cut and (first := open_run(level.nodes)):
            cut[first] = level
    sums = read_subtrees(project_id, trace_id, [node.span for node in nodes]) or {}
    for node in nodes:
        node.subtree = sums.get(node.span.span_id)
    for first, run in read_sibling_groups(project_id, trace_id, list(cut)).items():
        cut[first].whole = run


def read_stretch(project_id: str, trace_id: str, stretch: Stretch) -> Level:
    """Return a page of children that a reader has on the screen, as it is now."""
    parent_id = stretch.parent_id
    page = span_tree.children_between(
        project_id,
        trace_id,
        parent_id,
        stretch.after,
        stretch.until,
        _PAGE if stretch.until is None else _GROWN_PAGE,
        inclusive=stretch.inclusive,
    )
    frame = _frame_of(project_id, trace_id, parent_id)
    level = _level({parent_id: page}, parent_id, stretch.depth, frame, stretch.folds)
    level.earlier = None
    if stretch.after is not None:
        # What earlier pages cover is not known here.
        for node in level.nodes:
            node.gap = None
        level.gap = None
    elif stretch.until is not None:
        level.gap = None
    if stretch.until is None:
        level.stretch = stretch.ended_at(page)
    else:
        level.later, level.stretch = None, stretch
    return level


def _frame_of(project_id: str, trace_id: str, parent_id: str | None) -> Frame | None:
    """Return what a level's spans are held against, None where that is not known."""
    return span_tree.frame_of(project_id, trace_id, parent_id) if parent_id is not None else None


def _level(
    left: dict[str | None, Children],
    parent_id: str | None,
    depth: int,
    frame: Frame | None,
    folds: bool,
) -> Level:
    # Taken out, so that spans which are each other's parents can't go round for ever.
    page = left.pop(parent_id)
    gaps = gaps_of(page.rows, frame, begins=page.earlier is None, ends=page.later is None)
    nodes = [_node(left, row, depth, frame, folds) for row in page.rows]
    for node, gap in zip(nodes, gaps, strict=False):
        node.gap = gap
    stretch = Stretch.of(page, depth, folds)
    return Level(parent_id, depth, nodes, page.earlier, page.later, stretch, gaps[-1])


def _node(
    left: dict[str | None, Children], row: SpanRow, depth: int, frame: Frame | None, folds: bool
) -> Node:
    early = frame.start_time - row.start_time if frame and not row.placeholder else None
    node = Node(row, depth, early=early if early is not None and early > _SKEW else None)
    if row.span_id in left:
        # A placeholder begins with its earliest child, whatever the clocks say.
        within = None if row.placeholder else row
        node.level = _level(left, row.span_id, depth + 1, within, folds)
    return node
