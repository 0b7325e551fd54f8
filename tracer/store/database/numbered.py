"""Numbered pages by LIMIT and OFFSET with a total, for foreign APIs that number their pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db


def numbered_page(
    query: sa.Select[Any], limit: int | None, offset: int
) -> tuple[Sequence[sa.RowMapping], int]:
    """Return (rows, total): ``limit`` rows (None: all) of an ordered query from ``offset`` on.

    PostgreSQL reads the rows that OFFSET skips, so Tracer's own lists use cursors (`paging.py`).
    """
    counted = query.order_by(None).with_only_columns(sa.func.count(), maintain_column_froms=True)
    total = db.session.execute(counted).scalar_one()
    rows = db.session.execute(query.limit(limit).offset(offset)).mappings().all()
    return rows, total
