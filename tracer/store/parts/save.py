"""Adds the parts of payloads that are not stored yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg

from tracer.store.database.keys import TraceKey, columns_of
from tracer.store.parts.split import BLOCK, Part, Parts

PartKey = tuple[str, str, bytes]
"""(project_id, trace_id or '', hash)"""

_KNOWN_PARTS: Final = """
    SELECT project_id, trace_id, hash
    FROM unnest(%b::text[], %b::text[], %b::bytea[]) k (project_id, trace_id, hash)
    JOIN parts USING (project_id, trace_id, hash)
"""
# No lock covers the parts of a project: another transaction may add the same ones.
_ADD_PARTS: Final = """
    INSERT INTO parts
    SELECT * FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::text[])
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
"""
# A pack never replaces another one: if two had the same random id, the transaction would fail.
_ADD_PACKS: Final = """
    INSERT INTO parts SELECT * FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::text[])
"""
_ADD_PACKS_AND_FIND: Final = f"WITH added AS ({_ADD_PACKS}) {_KNOWN_PARTS}"


def save_parts(
    cursor: psycopg.Cursor[Any], parts: Mapping[TraceKey, Parts], packs: Mapping[TraceKey, Parts]
) -> None:
    """Add the packs, and those parts that are not stored yet.

    The transaction holds the locks of the traces. The parts of a project have the trace id ``''``.
    """
    pending = _with_short(_keyed(parts))
    new_packs = dict(_keyed(packs))
    missing: dict[PartKey, Part] = {}
    while pending or new_packs:
        known = _add_and_find(cursor, new_packs, pending)
        new_packs = {}
        new = {key: part for key, part in pending.items() if key not in known}
        # What a known part refers to is known as well.
        pending = _with_short(
            ((*key[:2], digest), inner)
            for key, part in new.items()
            for digest, inner in part.inner.items()
            if (*key[:2], digest) not in new
        )
        missing |= new
    if missing:
        cursor.execute(_ADD_PARTS, _columns(missing))


def _add_and_find(
    cursor: psycopg.Cursor[Any], packs: Mapping[PartKey, Part], parts: Mapping[PartKey, Part]
) -> set[PartKey]:
    """Add packs and return which of the parts are stored, without a statement for each."""
    keys = columns_of(parts, 3)
    if packs:
        cursor.execute(_ADD_PACKS_AND_FIND, [*_columns(packs), *keys])
    else:
        cursor.execute(_KNOWN_PARTS, keys)
    return set(cursor.fetchall())


def _keyed(parts: Mapping[TraceKey, Parts]) -> Iterable[tuple[PartKey, Part]]:
    return (
        ((*trace, digest), part) for trace, its in parts.items() for digest, part in its.items()
    )


def _columns(parts: Mapping[PartKey, Part]) -> list[list[Any]]:
    return [*columns_of(parts, 3), [part.text.decode() for part in parts.values()]]


def _with_short(parts: Iterable[tuple[PartKey, Part]]) -> dict[PartKey, Part]:
    """Return the parts and what they refer to, but not what blocks refer to."""
    keyed = dict(parts)
    for (project_id, trace_id, _), part in list(keyed.items()):
        if len(part.inner) < BLOCK // 2:
            keyed |= {(project_id, trace_id, digest): its for digest, its in part.inner.items()}
    return keyed
