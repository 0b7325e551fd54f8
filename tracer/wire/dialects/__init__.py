"""What attributes mean: every dialect in order of precedence, and the resolution of fields."""

from __future__ import annotations

from typing import Final, NamedTuple

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects import gen_ai, general, langfuse, openinference
from tracer.wire.dialects.table import Build, Dialect, Rule

DIALECTS: Final[tuple[Dialect, ...]] = (
    langfuse.DIALECT,
    openinference.DIALECT,
    gen_ai.DIALECT,
    general.DIALECT,
)
"""For each field the first dialect that has it is believed."""

MERGED: Final = frozenset(("metadata", "trace.metadata"))
"""Objects that every dialect may add to; the first one that says a key is believed."""

EVENT_NAMES: Final = frozenset(name for dialect in DIALECTS for name in dialect.events)

_MAX_KNOWN_NAMES: Final = 20_000


class Match(NamedTuple):
    """A rule that an attribute's name calls for; sorts by precedence."""

    rank: int
    dialect: str
    rule: Rule
    part: str | None


class Claim(NamedTuple):
    """One attribute that told (a part of) a field: the material of an explanation."""

    source: int
    """0: the span's own attributes; n: those of the n-th of the events that were read."""
    key: str
    field: str
    dialect: str
    rule: Rule


def _rank(rule: Rule, order: int, place: int) -> int:
    return (1_000_000 if rule.late else 0) + order * 1_000 + place


class Table:
    """The rules of all dialects by attribute name; remembers what names it has seen."""

    def __init__(self, rules: dict[str, tuple[Rule, ...]]) -> None:
        self._exact: dict[str, list[Match]] = {}
        self._prefixes: list[tuple[str, Match]] = []
        self._known: dict[str, tuple[Match, ...]] = {}
        for order, (dialect, its_rules) in enumerate(rules.items()):
            for place, rule in enumerate(its_rules):
                match = Match(_rank(rule, order, place), dialect, rule, rule.part)
                if rule.key.endswith("*"):
                    self._prefixes.append((rule.key[:-1], match))
                else:
                    self._exact.setdefault(rule.key, []).append(match)

    def matches(self, key: str) -> tuple[Match, ...]:
        """Return what ``key`` may tell; names repeat from span to span, so this is a look-up."""
        found = self._known.get(key)
        if found is None:
            found = self._find(key)
            if len(self._known) >= _MAX_KNOWN_NAMES:
                self._known.clear()
            self._known[key] = found
        return found

    def _find(self, key: str) -> tuple[Match, ...]:
        found = list(self._exact.get(key, ()))
        named = {match.dialect for match in found}
        for prefix, match in self._prefixes:
            if key.startswith(prefix) and len(key) > len(prefix) and match.dialect not in named:
                found.append(match._replace(part=key[len(prefix) :]))
        return tuple(found)


class Resolution:
    """Fields found in attributes; ``claims`` say where each one comes from."""

    __slots__ = ("_parts", "claims", "fields", "notes")

    def __init__(self) -> None:
        self.fields: dict[str, Json] = {}
        self.claims: list[Claim] = []
        self.notes: dict[str, dict[str, Json]] = {}
        self._parts: dict[str, Build] = {}

    def offer(self, match: Match, source: int, key: str, value: Json) -> None:
        """Take ``value`` for the field of ``match``, unless a firmer rule has told it."""
        rule = match.rule
        if rule.json and type(value) is str:
            value, notes = decode_text(value)
            if notes:
                self.notes[key] = notes
        if rule.parse is not None:
            value = rule.parse(value)
        if value is not None and self._take(rule, match.part, value):
            self.claims.append(Claim(source, key, rule.field, match.dialect, rule))

    def _take(self, rule: Rule, part: str | None, value: Json) -> bool:
        field = rule.field
        if field in MERGED:
            found = self.fields.setdefault(field, {})
            told = value if part is None else {part: value}
            return all([found.setdefault(name, item) == item for name, item in told.items()])
        if rule.build is not None and part is not None:
            if field not in self.fields:
                self.fields[field] = {}
                self._parts[field] = rule.build
            elif self._parts.get(field) is not rule.build:
                return False
            return bool(self.fields[field].setdefault(part, value) == value)
        return field not in self._parts and bool(self.fields.setdefault(field, value) == value)

    def finish(self) -> None:
        """Build the fields that came in parts."""
        for field, build in self._parts.items():
            self.fields[field], complete = build(self.fields[field])
            if not complete:
                self.release(field)

    def release(self, field: str) -> None:
        """Leave the attributes that told ``field`` where they were."""
        self.claims = [claim for claim in self.claims if claim.field != field]

    def drop(self, field: str) -> None:
        """Forget ``field`` and release its attributes."""
        if self.fields.pop(field, None) is not None:
            self.release(field)

    def rest(self, source: int, attributes: dict[str, Json]) -> dict[str, Json]:
        """Return ``attributes`` without those that fields now tell."""
        told = {
            claim.key for claim in self.claims if claim.source == source and not claim.rule.keep
        }
        if not told:
            return attributes
        return {key: value for key, value in attributes.items() if key not in told}


SPAN_TABLE: Final = Table({dialect.name: dialect.rules for dialect in DIALECTS})
RESOURCE_TABLE: Final = Table({dialect.name: dialect.resource for dialect in DIALECTS})


def resolve(table: Table, sources: list[dict[str, Json]]) -> Resolution:
    """Return the fields that ``sources`` tell; of two sources the earlier one is firmer."""
    found = [
        (match.rank, source, key, match)
        for source, attributes in enumerate(sources)
        for key in attributes
        for match in table.matches(key)
    ]
    found.sort()
    resolution = Resolution()
    for _, source, key, match in found:
        resolution.offer(match, source, key, sources[source][key])
    resolution.finish()
    return resolution
