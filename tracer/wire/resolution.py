"""From attributes to fields: the rules of all dialects, applied in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects import DIALECTS
from tracer.wire.dialects.table import Build, Parse, Rule

MERGED: Final = frozenset(("metadata", "trace.metadata"))
"""Objects that every dialect may add to; the first one that says a key is believed."""

EVENT_NAMES: Final = frozenset(name for dialect in DIALECTS for name in dialect.events)

_MAX_PLANS: Final = 2_000
_MAX_PLANNED: Final = 200
_MAX_SPLITS: Final = 50


class Step(NamedTuple):
    """One attribute that may tell one field; steps sort by how firmly they are believed."""

    rank: int
    source: int
    """0: the span's own attributes; n: those of the n-th of the events that were read."""
    key: str
    dialect: str
    rule: Rule
    part: str | None


_Move = tuple[int, int, str, str, Parse | None, bool, bool, Build | None, str | None]


class Plan:
    """What to do with spans that have the same attribute names, as most of a program's do.

    Which steps have told something is a number with a bit for each, the firmest lowest.
    """

    __slots__ = ("_names", "_splits", "masks", "moves", "steps", "trace_fields")

    def __init__(self, names: tuple[tuple[str, ...], ...], steps: list[Step]) -> None:
        self.steps = steps
        self.moves: list[_Move] = []
        """The steps with all that applying one takes: unpacked once, not once for each span."""
        self.masks: dict[str, int] = {}
        """By field: the bits of the steps that may tell it."""
        for place, (_, source, key, _, rule, part) in enumerate(steps):
            field, bit = rule.field, 1 << place
            merged = field in MERGED
            build = None if part is None else rule.build
            self.moves.append((bit, source, key, field, rule.parse, rule.json, merged, build, part))
            self.masks[field] = self.masks.get(field, 0) | bit
        self.trace_fields = [(field, field[6:]) for field in self.masks if field[:6] == "trace."]
        self._names = names
        self._splits: dict[tuple[int, int], tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def claims(self, told: int) -> list[Step]:
        """Return the steps whose bits are set in ``told``."""
        return [step for place, step in enumerate(self.steps) if told >> place & 1]

    def split(self, told: int, source: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of ``source``'s attributes that stay, and of those that fields tell.

        The tuples are the same objects for all spans of this shape.
        """
        split = self._splits.get((told, source))
        if split is None:
            gone = {
                step.key
                for step in self.claims(told)
                if step.source == source and not step.rule.keep
            }
            names = self._names[source]
            stay = tuple(name for name in names if name not in gone)
            split = stay, tuple(name for name in names if name in gone)
            if len(self._splits) < _MAX_SPLITS:
                self._splits[told, source] = split
        return split


class Table:
    """The rules of all dialects by attribute name; remembers the plans it has made."""

    def __init__(self, rules: Mapping[str, Iterable[Rule]]) -> None:
        self._exact: dict[str, list[Step]] = {}
        self._prefixes: list[tuple[str, Step]] = []
        self._plans: dict[tuple[tuple[str, ...], ...], Plan] = {}
        for order, (dialect, its_rules) in enumerate(rules.items()):
            for place, rule in enumerate(its_rules):
                rank = (1_000_000 if rule.late else 0) + order * 1_000 + place
                step = Step(rank, 0, rule.key, dialect, rule, rule.part)
                if rule.key.endswith("*"):
                    self._prefixes.append((rule.key[:-1], step))
                else:
                    self._exact.setdefault(rule.key, []).append(step)

    def plan(self, sources: list[dict[str, Json]]) -> Plan:
        """Return what to do with attributes of these names."""
        names = tuple([tuple(source) for source in sources])
        plan = self._plans.get(names)
        if plan is None:
            plan = self._make(names)
            if len(names[0]) <= _MAX_PLANNED:
                if len(self._plans) >= _MAX_PLANS:
                    self._plans.clear()
                self._plans[names] = plan
        return plan

    def _make(self, names: tuple[tuple[str, ...], ...]) -> Plan:
        steps = sorted(
            step._replace(source=source, key=key)
            for source, keys in enumerate(names)
            for key in keys
            for step in self._steps(key)
        )
        return Plan(names, steps)

    def _steps(self, key: str) -> list[Step]:
        found = list(self._exact.get(key, ()))
        named = {step.dialect for step in found}
        for prefix, step in self._prefixes:
            if key.startswith(prefix) and len(key) > len(prefix) and step.dialect not in named:
                found.append(step._replace(part=key[len(prefix) :]))
        return found


class Resolution:
    """Fields found in attributes, and which of the plan's steps have told them."""

    __slots__ = ("_plan", "_told", "fields", "notes")

    def __init__(self, plan: Plan, sources: list[dict[str, Json]]) -> None:
        self.fields: dict[str, Json] = {}
        self.notes: dict[str, dict[str, Json]] = {}
        """What decoding changed, by attribute name."""
        self._plan = plan
        self._told = 0
        self._apply(plan.moves, sources)

    def _apply(self, moves: list[_Move], sources: list[dict[str, Json]]) -> None:
        fields, told = self.fields, 0
        builds: dict[str, Build] = {}
        for bit, source, key, field, parse, json, merged, build, part in moves:
            value = sources[source][key]
            if json and type(value) is str:
                value, notes = decode_text(value)
                if notes:
                    self.notes[key] = notes
            if parse is not None:
                value = parse(value)
            if value is None:
                continue
            if merged:
                claimed = _merge(fields, field, value if part is None else {part: value})
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
                known = builds.get(field) is build
                claimed = known and _same(fields[field].setdefault(part, value), value)
            if claimed:
                told |= bit
        self._told = told
        for field, build in builds.items():
            fields[field], complete = build(fields[field])
            if not complete:
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

    def trace(self) -> dict[str, Json]:
        """Return the fields of the trace by their own names."""
        fields = self.fields
        return {name: fields[field] for field, name in self._plan.trace_fields if field in fields}

    def release(self, field: str) -> None:
        """Leave the attributes that told ``field`` where they were."""
        self._told &= ~self._plan.masks[field]

    def drop(self, field: str) -> None:
        """Forget ``field`` and release its attributes."""
        if field in self.fields:
            del self.fields[field]
            self.release(field)

    def rest(self, source: int, attributes: dict[str, Json]) -> dict[str, Json]:
        """Return ``attributes`` without those that fields now tell."""
        return {name: attributes[name] for name in self._plan.split(self._told, source)[0]}

    def claimed(self) -> tuple[str, ...]:
        """Return the names of the span's own attributes that ``rest`` leaves out."""
        return self._plan.split(self._told, 0)[1]


SPAN_TABLE: Final = Table({dialect.name: dialect.rules for dialect in DIALECTS})
RESOURCE_TABLE: Final = Table({dialect.name: dialect.resource for dialect in DIALECTS})


def resolve(table: Table, sources: list[dict[str, Json]]) -> Resolution:
    """Return the fields that ``sources`` tell; of two sources the earlier one is firmer."""
    return Resolution(table.plan(sources), sources)


def _merge(fields: dict[str, Json], field: str, said: dict[str, Json]) -> bool:
    """Add what is new; False where a firmer rule has said something else."""
    found = fields.setdefault(field, {})
    return all([_same(found.setdefault(name, item), item) for name, item in said.items()])


def _same(told: Json, value: Json) -> bool:
    # 1 and true are equal in Python, but not what was sent.
    return told is value or (type(told) is type(value) and bool(told == value))
