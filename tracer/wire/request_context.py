"""When a request came and how long its values may be; what it takes to make them storable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tracer.records import Json
from tracer.wire.clean import clean, limit_keys
from tracer.wire.usage.reading import UNRECONCILED

_CUT: Final = {"size", "depth", "keys"}
_OBJECTS: Final = ("metadata", "attributes", "model_parameters")


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """When a request came (microseconds since the epoch), and how long its values may be."""

    time: int
    max_value_bytes: int


class Cleaner:
    """Makes values fit to be stored, and notes by field what that took."""

    def __init__(self, receipt: Receipt) -> None:
        self._max_bytes = receipt.max_value_bytes
        self.notes: dict[str, Json] = {}

    def value(self, name: str, value: Json) -> Json:
        """Return the value of a field; those of an open object are bounded one by one."""
        if name in _OBJECTS and isinstance(value, dict):
            limit_notes: dict[str, Json] = {}
            kept = limit_keys(value, limit_notes)
            self.remark(name, limit_notes)
            parts = {key: self.value(f"{name}.{key}", part) for key, part in kept.items()}
            return self.keys(name, parts)
        cleaned, notes = clean(value, max_bytes=self._max_bytes)
        if notes:
            self.remark(clean(name)[0], notes)
        return cleaned

    def keys(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return an object with its keys made fit alone."""
        return {self.value(name, key): value for key, value in values.items()}

    def remark(self, name: str, note: dict[str, Json]) -> None:
        """Note what a reader of a field has to know."""
        if note:
            cleaned, _ = clean(note, max_bytes=self._max_bytes)
            self.notes[name] = {**self.notes.get(name, {}), **cleaned}

    def flags(self) -> list[str]:
        """Return what sums the notes up: what a reader of the span must know."""
        notes = self.notes.values()
        flags = {
            "truncated": any(note.keys() & _CUT for note in notes),
            "cleaned": any("cleaned" in note for note in notes),
            UNRECONCILED: any(UNRECONCILED in note for note in notes),
        }
        return [flag for flag, holds in flags.items() if holds]
