"""The time at which each release of the traced application was first seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from tracer.extensions import db

MAX_RELEASES: Final = 12
"""Number of releases that are returned: marks of more would cover a chart."""
# Jumps from one release to the next by the index, so it reads one row per release.
_FIRST: Final = sa.text("""
    WITH RECURSIVE known AS (
        (SELECT release, start_time FROM traces
         WHERE project_id = :project_id AND release IS NOT NULL
         ORDER BY release, start_time LIMIT 1)
        UNION ALL
        SELECT later.release, later.start_time FROM known, LATERAL (
            SELECT release, start_time FROM traces
            WHERE project_id = :project_id AND release IS NOT NULL AND release > known.release
            ORDER BY release, start_time LIMIT 1
        ) later
    )
    SELECT release, start_time FROM (SELECT * FROM known LIMIT :max_known) listed
    WHERE start_time >= :since AND start_time < :until
    ORDER BY start_time DESC LIMIT :max_rows
""")
_MAX_KNOWN: Final = 5_000


@dataclass(frozen=True, slots=True)
class Release:
    """A release and the start of its first trace."""

    release: str
    first_seen: datetime


def first_seen(project_id: str, since: datetime, until: datetime) -> list[Release]:
    """Return the releases first seen in a range of time (end exclusive), the latest first."""
    values = {"project_id": project_id, "since": since, "until": until}
    rows = db.session.execute(_FIRST, {**values, "max_rows": MAX_RELEASES, "max_known": _MAX_KNOWN})
    return [Release(row.release, row.start_time) for row in rows]
