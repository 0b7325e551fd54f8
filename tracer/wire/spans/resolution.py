"""From attributes to fields: the rules of all dialects, applied in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects import DIALECTS
from tracer.wire.dialects.table import EVENT, NAME, Build
from tracer.wire.json_text import NULL
from tracer.wire.spans.plans import MERGED, Plan, Step, Table

__all__ = (
    "AGGREGATING",
    "EVENTS_JOINED",
    "EVENTS_TOLD",
    "EVENT_NAMES",
    "MERGED",
    "RESOURCE_TABLE",
    "SPAN_TABLE",
    "Resolution",
    "Step",
    "dialects_of",
    "resolve",
)

_PAYLOADS: Final = ("input", "output")

EVENT_NAMES: Final = frozenset(name for dialect in DIALECTS for name in dialect.events)
"""Events whose attributes are read like the span's own."""

_EVENT_RULES: Final = [
    rule for dialect in DIALECTS for rule in dialect.rules if rule.key.startswith(EVENT)
]
EVENTS_TOLD: Final = frozenset(rule.key.removeprefix(EVENT) for rule in _EVENT_RULES)
"""Events that tell something as a whole."""
EVENTS_JOINED: Final = frozenset(
    rule.key.removeprefix(EVENT) for rule in _EVENT_RULES if rule.build
)
"""Those that tell it together; of any other only the first is looked at."""


class Resolution:
    """Fields found in attributes, and which of the plan's steps have told them."""

    __slots__ = ("_denied", "_plan", "_told", "fields", "notes", "of_fields", "rare")

    def __init__(self, plan: Plan, sources: list[dict[str, Json]], name: str = "") -> None:
        self.fields: dict[str, Json] = {}
        self.notes: dict[str, dict[str, Json]] = {}
        """What decoding changed, by attribute name."""
        self.of_fields: dict[str, dict[str, Json]] = {}
        """What a reader of a field has to know, by field."""
        self.rare = plan.rare
        """There may be RARE ones among the fields."""
        self._plan = plan
        self._told = self._denied = 0
        if plan.named:
            sources = [*sources, {NAME: name}]
        self._apply_lone(sources)
        if plan.moves:
            self._apply(sources)

    def _apply_lone(self, sources: list[dict[str, Json]]) -> None:
        """Apply the steps that nobody contests, which are most: there is nothing to weigh."""
        fields, told = self.fields, 0
        for bit, source, key, field, parse, json in self._plan.lone:
            value = sources[source][key]
            if json and type(value) is str:
                value, notes = decode_text(value)
                if notes:
                    self.notes[key] = notes
            if parse is not None:
                value = parse(value)
            if value is not None:
                fields[field] = value
                told |= bit
        self._told = told

    def _apply(self, sources: list[dict[str, Json]]) -> None:
        fields, told, denied = self.fields, self._told, 0
        builds: dict[str, Build] = {}
        text: str | None = None
        decoded: Json = None
        for bit, source, key, field, parse, json, merged, build, part in self._plan.moves:
            value = sources[source][key]
            if json and type(value) is str:
                # Several rules in a row may read one text.
                if value is not text:
                    text = value
                    decoded, notes = decode_text(value)
                    if notes:
                        self.notes[key] = notes
                value = decoded
            if parse is not None:
                value = parse(value)
            if value is None:
                continue
            if value is NULL:
                value = None
            if merged:
                claimed = _merge(fields.setdefault(field, {}), value, part)
            elif field not in fields:
                if build is None:
                    fields[field] = value
                else:
                    builds[field] = build
                    fields[field] = {part: value}
                claimed = True
            elif build is None:
                claimed = field not in builds and _same(fields[field], value)
            else:
                # Parts of different makings don't mix: the firmer one has the field.
                claimed = False
                if builds.get(field) is build:
                    present = fields[field].setdefault(part, value)
                    claimed = present is value or _same(present, value)
            if claimed:
                told |= bit
            else:
                denied |= bit
        self._told, self._denied = told, denied
        for field, build in builds.items():
            result = build(fields[field])
            built, complete = result[0], result[1]
            # An input may be an empty object; any other field is empty where nothing was told.
            kept = bool(built) or (complete and built is not None and field in _PAYLOADS)
            if kept:
                fields[field] = built
                if len(result) == 3 and result[2]:
                    self.of_fields[field] = result[2]
            else:
                # Parts of which nothing could be made tell nothing.
                del fields[field]
            if not (kept and complete):
                self.release(field)

    @property
    def claims(self) -> list[Step]:
        """The steps that told the fields, the firmest first: what an explanation is made of."""
        return self._plan.claims(self._told)

    @property
    def dialect(self) -> str | None:
        """The dialect of the firmest claim."""
        lowest = self._told & -self._told
        return self._plan.steps[lowest.bit_length() - 1].dialect if lowest else None

    def teller(self, field: str) -> str | None:
        """Return the dialect that told ``field``, also where it did not tell all of it."""
        told = (self._told | self._denied) & self._plan.masks.get(field, 0)
        lowest = told & -told
        return self._plan.steps[lowest.bit_length() - 1].dialect if lowest else None

    def own(self) -> dict[str, Json]:
        """Return the fields that are the record's own as they are."""
        fields = self.fields
        return {name: fields[name] for name in self._plan.own if name in fields}

    def trace(self) -> dict[str, Json]:
        """Return the fields of the trace by their own names."""
        if not self._plan.trace_fields:
            return {}
        fields = self.fields
        return {name: fields[field] for field, name in self._plan.trace_fields if field in fields}

    def release(self, field: str) -> None:
        """Leave the attributes that told ``field`` where they were."""
        mask = self._plan.masks[field]
        self._denied |= self._told & mask
        self._told &= ~mask

    def drop(self, field: str) -> None:
        """Forget ``field`` and release its attributes."""
        if field in self.fields:
            del self.fields[field]
            self.release(field)

    def rest(self, source: int, attributes: dict[str, Json]) -> dict[str, Json]:
        """Return the ``attributes`` of an event without those that fields now tell."""
        return {
            name: attributes[name] for name in self._plan.split(self._told, self._denied, source)[0]
        }

    def events_told(self) -> set[int]:
        """Return the places of the events of which fields tell everything."""
        last = self._plan.sources - 1
        gone = self._plan.split(self._told, self._denied, last)[1] if last else ()
        return {int(key.rpartition("#")[2]) for key in gone if key.startswith(EVENT)}

    def left(self, attributes: dict[str, Json]) -> tuple[dict[str, Json], tuple[str, ...]]:
        """Return the span's own attributes that stay, and the names of those that fields tell."""
        stay, gone = self._plan.split(self._told, self._denied, 0)
        return {name: attributes[name] for name in stay} if gone else attributes, gone


AGGREGATING: Final = frozenset(dialect.name for dialect in DIALECTS if dialect.aggregates)
"""Dialects whose agents and chains report the sum of what runs below them."""
SPAN_TABLE: Final = Table([(dialect, dialect.rules) for dialect in DIALECTS])
RESOURCE_TABLE: Final = Table([(dialect, dialect.resource) for dialect in DIALECTS])

_NONE: Final[frozenset[str]] = frozenset()


_RULE_SCOPES: Final = {rule.scope for dialect in DIALECTS for rule in dialect.rules if rule.scope}


def dialects_of(scope: Mapping[str, Json], resource: Mapping[str, Json]) -> frozenset[str]:
    """Return the dialects to which spans of the instrumentation scope belong.

    The scopes that single rules ask for are among them, as these rules have them: by name, or by
    name, language and major version, as ``name (python 4)``.
    """
    name = str(scope.get("name") or "")
    version = str(scope.get("version") or "").partition(".")[0]
    language = str(resource.get("telemetry.sdk.language") or "")
    return _dialects_of(name, f"{name} ({language} {version})")


@lru_cache(maxsize=1_000)
def _dialects_of(*scopes: str) -> frozenset[str]:
    dialects = {
        dialect.name for dialect in DIALECTS for name in dialect.scopes if _fits(name, scopes)
    }
    return frozenset(dialects.union(name for name in _RULE_SCOPES if _fits(name, scopes)))


def _fits(pattern: str, scopes: Iterable[str]) -> bool:
    if pattern.endswith("*"):
        return any(scope.startswith(pattern[:-1]) for scope in scopes)
    return pattern in scopes


def resolve(
    table: Table, sources: list[dict[str, Json]], within: frozenset[str] = _NONE, name: str = ""
) -> Resolution:
    """Return the fields that ``sources`` tell; of two sources the earlier one is firmer.

    ``within`` are the dialects of the span's scope, ``name`` is the span's own.
    """
    return Resolution(table.plan(sources, within), sources, name)


def _merge(merged: dict[str, Json], value: Json, part: str | None) -> bool:
    """Add one part, or every part of an object; False where a firmer rule set another value."""
    if part is None:
        return all([_same(merged.setdefault(name, item), item) for name, item in value.items()])  # noqa: C419 - every item is added
    present = merged.setdefault(part, value)
    return present is value or _same(present, value)


def _same(present: Json, value: Json) -> bool:
    # 1 and true are equal in Python, but not what was sent.
    return present is value or (type(present) is type(value) and bool(present == value))
