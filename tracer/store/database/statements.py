"""Watching the statements of an engine: called before and after each, with its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

_KEPT: Final = "tracer_watched"


def watch(engine: sa.Engine, begin: Callable[[str], object], end: Callable[[Any], None]) -> None:
    """Call ``begin`` with each statement, without its values, and ``end`` with what it returned.

    ``end`` is called after the statement, unless ``begin`` returned None or the statement failed.
    """

    def before(*event: Any) -> None:
        kept = begin(str(event[2]))
        if kept is not None:
            setattr(event[4], _KEPT, kept)

    def after(*event: Any) -> None:
        kept = getattr(event[4], _KEPT, None)
        if kept is not None:
            end(kept)

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
