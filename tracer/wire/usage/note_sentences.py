"""The notes on a span's usage in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracer.records import Json
from tracer.wire.usage.reading import UNRECONCILED


def note_sentences(note: Mapping[str, Json]) -> list[str]:
    """Return sentences about the note of a `Usage`."""
    return list(_sentences(note))


def _sentences(note: Mapping[str, Json]) -> Iterator[str]:
    if note.get(UNRECONCILED):
        yield from _contradictions(note)
    if ignored := note.get("ignored"):
        yield f"Left out, since their values are no counts of their own: {_listed(ignored)}."
    if tier := note.get("service_tier"):
        yield f"The counts name the service tier {tier}, by whose prices the call is paid."


def _contradictions(note: Mapping[str, Json]) -> Iterator[str]:
    for part, sent in dict(note.get("larger_than_whole") or {}).items():
        yield f"{part} was sent as {sent:,}, more than the count that includes it: cut to that."
    if "total" not in note:
        return
    total, counted = note["total"], note["sum"]
    sums = f"A total of {total:,} was sent, and counts that add up to {counted:,} however combined"
    kept = "what is missing is the usage type other" if total > counted else "all are kept as sent"
    yield f"{sums}: {kept}."


def _listed(names: Json) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else str(names)
