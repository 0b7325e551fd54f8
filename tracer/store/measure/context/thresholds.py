"""Which figures of a page are over the p95 of their names; the p95 are kept for a minute."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final

from tracer.measure.histogram import key_of
from tracer.measure.standing import high_from
from tracer.store.measure.context.standing import Measured, Name, read_names

SECONDS: Final = 60.0
"""How long the p95 of a name is cached."""
_MAX_NAMES: Final = 20_000
"""Names whose p95 a process caches."""
_NOTHING: Final[frozenset[str]] = frozenset()

Keys = Mapping[str, int]
"""The least key of a high value, by what is measured."""


class Thresholds:
    """The p95 of names in the last seven days, as one process has read them."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """``seconds``: how long the p95 of a name is cached."""
        self._seconds = seconds
        self._known: dict[tuple[str, Name], tuple[float, Keys]] = {}

    def high(self, project_id: str, rows: Iterable[Measured]) -> list[frozenset[str]]:
        """Return what of each row is over the p95 of its name: latency, cost, tokens, first_token.

        Names that are not cached are read in one query. With fewer than 20 values of a name,
        nothing is high.
        """
        listed = list(rows)
        keys = self._read(project_id, {(row.kind, row.name) for row in listed})
        return [_high(row, keys[row.kind, row.name]) for row in listed]

    def _read(self, project_id: str, names: set[Name]) -> dict[Name, Keys]:
        now = time.monotonic()
        keys: dict[Name, Keys] = {}
        for name in names:
            read, own = self._known.get((project_id, name), (0.0, None))
            if own is not None and now - read < self._seconds:
                keys[name] = own
        missing = names - keys.keys()
        if not missing:
            return keys
        histograms = read_names(project_id, missing)
        if len(self._known) > _MAX_NAMES:
            self._known.clear()
        for name in missing:
            steps = {what: high_from(each) for what, each in histograms.get(name, {}).items()}
            keys[name] = {what: step for what, step in steps.items() if step is not None}
            self._known[project_id, name] = now, keys[name]
        return keys


def _high(row: Measured, keys: Keys) -> frozenset[str]:
    if not keys:
        return _NOTHING
    values = {what: getattr(row, what) for what in keys}
    return frozenset(
        what
        for what, value in values.items()
        if value is not None and key_of(float(value)) >= keys[what]
    )
