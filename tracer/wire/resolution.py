"""From attributes to fields: the rules of all dialects, applied in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects import DIALECTS
from tracer.wire.dialects.table import Build, Rule

MERGED: Final = frozenset(("metadata", "trace.metadata"))
"""Objects that every dialect may add to; the first one that says a key is believed."""

EVENT_NAMES: Final = frozenset(name for dialect in DIALECTS for name in dialect.events)

_MAX_PLANS: Final = 2_000
_MAX_PLANNED: Final = 200


class Step(NamedTuple):
    """One attribute that may tell one field; steps sort by how firmly they are believed."""

    rank: int
    source: int
    """0: the span's own attributes; n: those of the n-th of the events that were read."""
    key: str
    dialect: str
    rule: Rule
    part: str | None


class Plan(NamedTuple):
    """The steps for spans that have the same attribute names, as most spans of a program do."""

    steps: tuple[Step, ...]
    trace_fields: tuple[tuple[str, str], ...]
    """``("trace.user_id", "user_id")`` for each field of the trace that may be told."""


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
        fields = dict.fromkeys(step.rule.field for step in steps)
        of_trace = [(field, field[6:]) for field in fields if field.startswith("trace.")]
        return Plan(tuple(steps), tuple(of_trace))

    def _steps(self, key: str) -> list[Step]:
        found = list(self._exact.get(key, ()))
        named = {step.dialect for step in found}
        for prefix, step in self._prefixes:
            if key.startswith(prefix) and len(key) > len(prefix) and step.dialect not in named:
                found.append(step._replace(part=key[len(prefix) :]))
        return found


class Resolution:
    """Fields found in attributes; ``claims`` are the steps that told them, the firmest first."""

    __slots__ = ("_plan", "claims", "fields", "notes")

    def __init__(self, plan: Plan, sources: list[dict[str, Json]]) -> None:
        self.fields: dict[str, Json] = {}
        self.claims: list[Step] = []
        self.notes: dict[str, dict[str, Json]] = {}
        self._plan = plan
        self._apply(plan.steps, sources)

    def _apply(self, steps: tuple[Step, ...], sources: list[dict[str, Json]]) -> None:
        fields, claims = self.fields, self.claims
        builds: dict[str, Build] = {}
        for step in steps:
            _, source, key, _, rule, part = step
            field, _, parse, _, build, json, _, _ = rule
            value = sources[source][key]
            if json and type(value) is str:
                value, notes = decode_text(value)
                if notes:
                    self.notes[key] = notes
            if parse is not None:
                value = parse(value)
            if value is None:
                continue
            if field in MERGED:
                claimed = _merge(fields, field, value if part is None else {part: value})
            elif build is None or part is None:
                claimed = field not in builds and _same(fields.setdefault(field, value), value)
            elif field not in fields:
                builds[field] = build
                fields[field] = {part: value}
                claimed = True
            else:
                # Parts of different makings don't mix: the firmer one has the field.
                known = builds.get(field) is build
                claimed = known and _same(fields[field].setdefault(part, value), value)
            if claimed:
                claims.append(step)
        for field, build in builds.items():
            fields[field], complete = build(fields[field])
            if not complete:
                self.release(field)

    def trace(self) -> dict[str, Json]:
        """Return the fields of the trace by their own names."""
        fields = self.fields
        return {name: fields[field] for field, name in self._plan.trace_fields if field in fields}

    def release(self, field: str) -> None:
        """Leave the attributes that told ``field`` where they were."""
        self.claims = [claim for claim in self.claims if claim.rule.field != field]

    def drop(self, field: str) -> None:
        """Forget ``field`` and release its attributes."""
        if field in self.fields:
            del self.fields[field]
            self.release(field)

    def rest(self, source: int, attributes: dict[str, Json]) -> dict[str, Json]:
        """Return ``attributes`` without those that fields now tell."""
        told = {step.key for step in self.claims if step.source == source and not step.rule.keep}
        if not told:
            return attributes
        return {key: value for key, value in attributes.items() if key not in told}


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
