"""From attributes to fields: the rules of all dialects, applied in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.dialects import DIALECTS
from tracer.wire.dialects.table import EVENT, NAME, Build, Dialect, Parse, Rule

MERGED: Final = frozenset(("metadata", "trace.metadata"))
"""Objects that every dialect may add to; the first one that says a key is believed."""

RARE: Final = frozenset(
    ("pending", "scores", "annotations", "annotations_of_trace", "annotations_of_session")
)
"""Fields that few spans have, and that take more than a field of the record."""

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

_MAX_PLANS: Final = 2_000
_MAX_PLANNED: Final = 200
_MAX_SPLITS: Final = 50


class Step(NamedTuple):
    """One attribute that may tell one field; steps sort by how firmly they are believed."""

    rank: int
    source: int
    """0: the span's own attributes; then those of events, the events as a whole, the name."""
    key: str
    dialect: str
    rule: Rule
    part: str | None


_Split = tuple[tuple[str, ...], tuple[str, ...]]
_Move = tuple[int, int, str, str, Parse | None, bool, bool, Build | None, str | None]


class Plan:
    """What to do with spans that have the same attribute names, as most of a program's do.

    Which steps have told something is a number with a bit for each, the firmest lowest.
    """

    __slots__ = (
        "_names",
        "_splits",
        "masks",
        "moves",
        "named",
        "rare",
        "sources",
        "steps",
        "trace_fields",
    )

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
        self.rare = not RARE.isdisjoint(self.masks)
        self.named = any(step.key == NAME for step in steps)
        """The span's name is the last source."""
        self.sources = len(names)
        self._names = names
        self._splits: dict[tuple[int, int, int], _Split] = {}

    def claims(self, told: int) -> list[Step]:
        """Return the steps whose bits are set in ``told``."""
        return [step for place, step in enumerate(self.steps) if told >> place & 1]

    def split(self, told: int, denied: int, source: int) -> _Split:
        """Return the names of ``source``'s attributes that stay, and of those that fields tell.

        The tuples are the same objects for all spans of this shape.
        """
        split = self._splits.get((told, denied, source))
        if split is None:
            gone = self._gone(told, denied, source)
            names = self._names[source]
            stay = tuple(name for name in names if name not in gone)
            split = stay, tuple(name for name in names if name in gone)
            if len(self._splits) < _MAX_SPLITS:
                self._splits[told, denied, source] = split
        return split

    def _gone(self, told: int, denied: int, source: int) -> set[str]:
        """Return the names of the attributes that leave, for fields tell all that they say."""
        fields: dict[tuple[str, str], set[str]] = {}
        kept: set[str] = set()
        for step in self.claims(told):
            if step.source == source and not step.rule.aside:
                fields.setdefault((step.key, step.dialect), set()).add(step.rule.field)
                if step.rule.keep:
                    kept.add(step.key)
        # One dialect may find two fields in an attribute: it goes when each has what it says.
        for step in self.claims(denied):
            claimed = fields.get((step.key, step.dialect))
            if step.source != source or claimed is None or step.rule.aside:
                continue
            if step.rule.field not in claimed:
                kept.add(step.key)
        return {key for key, _ in fields} - kept


class Table:
    """The rules of all dialects by attribute name; remembers the plans it has made."""

    def __init__(self, rules: Iterable[tuple[Dialect, Iterable[Rule]]]) -> None:
        self._exact: dict[str, list[Step]] = {}
        self._prefixes: list[tuple[str, Step]] = []
        self._plans: dict[tuple[frozenset[str], tuple[tuple[str, ...], ...]], Plan] = {}
        for order, (dialect, its_rules) in enumerate(rules):
            for place, rule in enumerate(its_rules):
                rank = (1_000_000 if rule.late else 0) + order * 1_000 + place
                step = Step(rank, 0, rule.key, dialect.name, rule, rule.part)
                if rule.key.endswith("*"):
                    self._prefixes.append((rule.key[:-1], step))
                else:
                    self._exact.setdefault(rule.key, []).append(step)

    def plan(self, sources: list[dict[str, Json]], within: frozenset[str]) -> Plan:
        """Return what to do with attributes of these names, in a scope of these dialects."""
        names = tuple([tuple(source) for source in sources])
        plan = self._plans.get((within, names))
        if plan is None:
            plan = self._make(names, within)
            if sum(map(len, names)) <= _MAX_PLANNED:
                if len(self._plans) >= _MAX_PLANS:
                    self._plans.clear()
                self._plans[within, names] = plan
        return plan

    def _make(self, names: tuple[tuple[str, ...], ...], within: frozenset[str]) -> Plan:
        steps = [
            step._replace(source=source, key=key)
            for source, keys in enumerate(names)
            for key in keys
            for step in self._steps(key, within)
        ]
        spoken = within.union(step.dialect for step in steps)
        steps += [
            step._replace(source=len(names))
            for step in self._exact.get(NAME, ())
            if step.dialect in (within if step.rule.scoped else spoken)
        ]
        return Plan(names, sorted(steps))

    def _steps(self, key: str, within: frozenset[str]) -> list[Step]:
        if key.startswith(EVENT):
            name, _, place = key.rpartition("#")
            found = [step._replace(part=place) for step in self._exact.get(name, ())]
        else:
            found = list(self._exact.get(key, ())) if key != NAME else []
            named = {step.dialect for step in found}
            for prefix, step in self._prefixes:
                if key.startswith(prefix) and len(key) > len(prefix) and step.dialect not in named:
                    found.append(step._replace(part=key[len(prefix) :]))
        return [step for step in found if not step.rule.scoped or step.dialect in within]


class Resolution:
    """Fields found in attributes, and which of the plan's steps have told them."""

    __slots__ = ("_denied", "_plan", "_told", "fields", "notes", "rare")

    def __init__(self, plan: Plan, sources: list[dict[str, Json]], name: str = "") -> None:
        self.fields: dict[str, Json] = {}
        self.notes: dict[str, dict[str, Json]] = {}
        """What decoding changed, by attribute name."""
        self.rare = plan.rare
        """There may be RARE ones among the fields."""
        self._plan = plan
        self._told = self._denied = 0
        self._apply(plan.moves, [*sources, {NAME: name}] if plan.named else sources)

    def _apply(self, moves: list[_Move], sources: list[dict[str, Json]]) -> None:
        fields, told, denied = self.fields, 0, 0
        builds: dict[str, Build] = {}
        text: str | None = None
        decoded: Json = None
        for bit, source, key, field, parse, json, merged, build, part in moves:
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
            else:
                denied |= bit
        self._told, self._denied = told, denied
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
        return {name: attributes[name] for name in stay}, gone


SPAN_TABLE: Final = Table([(dialect, dialect.rules) for dialect in DIALECTS])
RESOURCE_TABLE: Final = Table([(dialect, dialect.resource) for dialect in DIALECTS])

_NONE: Final[frozenset[str]] = frozenset()


@lru_cache(maxsize=1_000)
def dialects_of(scope: str) -> frozenset[str]:
    """Return the dialects to which spans of the instrumentation scope of this name belong."""
    return frozenset(
        dialect.name
        for dialect in DIALECTS
        for name in dialect.scopes
        if scope == name or (name.endswith("*") and scope.startswith(name[:-1]))
    )


def resolve(
    table: Table, sources: list[dict[str, Json]], within: frozenset[str] = _NONE, name: str = ""
) -> Resolution:
    """Return the fields that ``sources`` tell; of two sources the earlier one is firmer.

    ``within`` are the dialects of the span's scope, ``name`` is the span's own.
    """
    return Resolution(table.plan(sources, within), sources, name)


def _merge(fields: dict[str, Json], field: str, said: dict[str, Json]) -> bool:
    """Add what is new; False where a firmer rule has said something else."""
    found = fields.setdefault(field, {})
    return all([_same(found.setdefault(name, item), item) for name, item in said.items()])


def _same(told: Json, value: Json) -> bool:
    # 1 and true are equal in Python, but not what was sent.
    return told is value or (type(told) is type(value) and bool(told == value))
