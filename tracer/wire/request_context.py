"""The time and the limits of a request, and a cleaner for its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tracer.records import Json
from tracer.wire.clean import clean, limit_keys
from tracer.wire.usage.reading import UNRECONCILED

_CUT: Final = {"size", "depth", "keys"}
_OBJECTS: Final = ("metadata", "attributes", "model_parameters")


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """The time of a request (microseconds since the epoch), and the limit on its values."""

    time: int
    max_value_bytes: int


class Cleaner:
    """Makes values storable, and notes the changes by field."""

    def __init__(self, context: RequestContext) -> None:
        self._max_bytes = context.max_value_bytes
        self.notes: dict[str, Json] = {}

    def value(self, name: str, value: Json) -> Json:
        """Return the value of a field; the members of an open object are limited one by one."""
        if name in _OBJECTS and isinstance(value, dict):
            limit_notes: dict[str, Json] = {}
            kept = limit_keys(value, limit_notes)
            self.note(name, limit_notes)
            parts = {key: self.value(f"{name}.{key}", part) for key, part in kept.items()}
            return self.keys(name, parts)
        cleaned, notes = clean(value, max_bytes=self._max_bytes)
        if notes:
            self.note(clean(name)[0], notes)
        return cleaned

    def keys(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return an object with storable keys; its values are unchanged."""
        return {self.value(name, key): value for key, value in values.items()}

    def note(self, name: str, note: dict[str, Json]) -> None:
        """Add a note on a field."""
        if note:
            cleaned, _ = clean(note, max_bytes=self._max_bytes)
            self.notes[name] = {**self.notes.get(name, {}), **cleaned}

    def flags(self) -> list[str]:
        """Return the flags that the notes imply."""
        notes = self.notes.values()
        flags = {
            "truncated": any(note.keys() & _CUT for note in notes),
            "cleaned": any("cleaned" in note for note in notes),
            UNRECONCILED: any(UNRECONCILED in note for note in notes),
        }
        return [flag for flag, holds in flags.items() if holds]
