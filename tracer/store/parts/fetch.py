"""Reads the parts of many payloads for an `Assembler`, by the session or another connection."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store.database.keys import columns_of
from tracer.store.parts.assemble import Assembler, PartKey

_NO_LIMIT: Final = 1 << 40
# OFFSET keeps each lookup a subquery: a join may be planned as a scan of all parts.
_PARTS: Final = sa.text("""
    SELECT trace_id, hash, text FROM (
        SELECT k.trace_id, k.hash, p.text, sum(octet_length(p.text)) OVER (ORDER BY k.number) AS sum
        FROM unnest(CAST(:traces AS text[]), CAST(:hashes AS bytea[]))
            WITH ORDINALITY k (trace_id, hash, number)
        CROSS JOIN LATERAL (
            SELECT p.text FROM parts p
            WHERE p.project_id = :project AND p.trace_id = k.trace_id AND p.hash = k.hash OFFSET 0
        ) p
    ) summed WHERE sum <= :max_bytes
""")


def assembler(
    project_id: str, connection: sa.Connection | None = None, max_bytes: int = _NO_LIMIT
) -> Assembler:
    """Return an assembler of a project's payloads that reads at most that many bytes of parts."""
    return Assembler(partial(_fetch, project_id, connection), max_bytes)


def _fetch(
    project_id: str, connection: sa.Connection | None, keys: list[PartKey], max_bytes: int
) -> list[Any]:
    traces, hashes = columns_of(keys, 2)
    values = {"project": project_id, "traces": traces, "hashes": hashes, "max_bytes": max_bytes}
    return list((connection or db.session).execute(_PARTS, values))
