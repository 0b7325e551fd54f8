"""A scan (what is read for an answer) and cells (the partial sums that it returns)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import Grouping

from tracer.measure.buckets import Frame
from tracer.measure.question import Question
from tracer.query.moments import Clock
from tracer.store.query.source import Column
from tracer.store.rollups.sums import pack_counts, unpack_counts

Groups = tuple[str | None, ...]


class Cell(NamedTuple):
    """Sums over the rows of one interval and group; None where there is no such part."""

    interval: datetime | None
    """The start; None: without intervals, or of distinct values in the whole range."""
    groups: Groups
    keys: Sequence[int] | None
    """Numbers of values by key (`tracer.measure.histogram`), as `sums.pack_counts` packs them."""
    rows: int
    """The number of rows, of values, or of distinct values; of a ratio: of its part."""
    denominator: int
    """The number of rows with a value; of a ratio: of the whole."""
    total: Decimal | float | None
    low: Decimal | float | None
    high: Decimal | float | None
    over: Decimal | float | None = None
    """The sum by which ``total`` is divided, of a ratio of sums."""

    def scaled(self, factor: float) -> Cell:
        """Return the cell with its counts and sums multiplied, to extrapolate from a sample."""
        total = None if self.total is None else float(self.total) * factor
        over = None if self.over is None else float(self.over) * factor
        rows, denominator = round(self.rows * factor), round(self.denominator * factor)
        keys = self.keys
        if keys is not None:
            counts = unpack_counts(keys)
            keys = pack_counts({key: round(number * factor) for key, number in counts.items()})
        return self._replace(keys=keys, rows=rows, denominator=denominator, total=total, over=over)


@dataclass(frozen=True, slots=True)
class Scan:
    """A question's rows in a range of time: of some groups, or of those with the most."""

    project_id: str
    question: Question
    frame: Frame
    clock: Clock
    groups: Sequence[Groups] | None = None
    """None: the groups with the greatest values, at most ``question.limit``."""
    share: float = 1.0
    """Share of the table that is read, as a sample of its blocks."""
    scores_alone: bool = False
    """Whether scores have all that the question needs of their traces."""
    score_hours: bool = False
    """Whether sums over the scores of an hour have, too."""
    estimates: bool = False
    """Whether distinct values are estimated."""


def interval_of(frame: Frame, time: Column) -> Column | None:
    """Return the start of the interval in which a time of the range lies; None: it has none."""
    if frame.width is None:
        return None
    if frame.even:
        return sa.func.date_bin(frame.width, time, frame.origin)
    starts = sa.literal(list(frame.starts), ARRAY(sa.DateTime(timezone=True)))
    # SQLAlchemy writes no parentheses around a bound value, without which it has no elements.
    elements: Column = Grouping(starts)[sa.func.width_bucket(time, starts)]
    return elements


class Scanned(NamedTuple):
    """The cells of the shown groups, and those of all groups together."""

    cells: list[Cell]
    everything: list[Cell]
    """Empty without groups."""
