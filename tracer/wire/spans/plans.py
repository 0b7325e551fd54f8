"""What to do with a span whose attributes have certain names, worked out once for each shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from tracer.records import Json
from tracer.wire.dialects.table import EVENT, NAME, Build, Dialect, Parse, Rule

MERGED: Final = frozenset(("metadata", "trace.metadata"))
"""Objects that every dialect may add to; the first one that says a key is believed."""

RARE: Final = frozenset(
    ("pending", "scores", "annotations", "annotations_of_trace", "annotations_of_session")
)
"""Fields that few spans have, and that take more than a field of the record."""

OWN: Final = frozenset(
    (
        "call_id",
        "cost",
        "echo",
        "finish_reasons",
        "input",
        "model",
        "model_parameters",
        "output",
        "prompt_name",
        "prompt_version",
        "provider",
        "requested_model",
        "tools",
        "usage",
    )
)
"""Fields that are the record's own as they are."""

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
Move = tuple[int, int, str, str, Parse | None, bool, bool, Build | None, str | None]
"""Bit, source, key, field, parse, json, merged, build, part: all that applying a step takes."""
Lone = tuple[int, int, str, str, Parse | None, bool]
"""Bit, source, key, field, parse, json: the only step that may tell its field."""


class Plan:
    """What to do with spans that have the same attribute names, as most of a program's do.

    Which steps have told something is a number with a bit for each, the firmest lowest.
    """

    __slots__ = (
        "_names",
        "_splits",
        "lone",
        "masks",
        "moves",
        "named",
        "own",
        "rare",
        "sources",
        "steps",
        "trace_fields",
    )

    def __init__(self, names: tuple[tuple[str, ...], ...], steps: list[Step]) -> None:
        self.steps = steps
        self.masks: dict[str, int] = {}
        """By field: the bits of the steps that may tell it."""
        for place, step in enumerate(steps):
            self.masks[step.rule.field] = self.masks.get(step.rule.field, 0) | 1 << place
        self.lone: list[Lone] = []
        self.moves: list[Move] = []
        """The other steps; both are unpacked once, not once for each span."""
        for place, step in enumerate(steps):
            self._add(step, 1 << place)
        self.own = [field for field in self.masks if field in OWN]
        self.trace_fields = [(field, field[6:]) for field in self.masks if field[:6] == "trace."]
        self.rare = not RARE.isdisjoint(self.masks)
        self.named = any(step.key == NAME for step in steps)
        """The span's name is the last source."""
        self.sources = len(names)
        self._names = names
        self._splits: dict[tuple[int, int, int], _Split] = {}

    def _add(self, step: Step, bit: int) -> None:
        rule = step.rule
        merged = rule.field in MERGED
        build = None if step.part is None else rule.build
        if self.masks[rule.field] == bit and not merged and build is None:
            self.lone.append((bit, step.source, step.key, rule.field, rule.parse, rule.json))
        else:
            which = bit, step.source, step.key, rule.field
            self.moves.append((*which, rule.parse, rule.json, merged, build, step.part))

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
        """Return what to do with attributes of these names, in a scope as `dialects_of` has it."""
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
                rest = key[len(prefix) :] if key.startswith(prefix) else ""
                if rest and step.dialect not in named and _stands_for(step.rule, rest):
                    found.append(step._replace(part=rest))
        return [step for step in found if _holds(step, within)]


def _stands_for(rule: Rule, rest: str) -> bool:
    """Return whether a rule for a prefix also holds for the name that continues with ``rest``."""
    if rule.but is not None and rule.but.fullmatch(rest):
        return False
    return rule.known is None or rule.known(rest)


def _holds(step: Step, within: frozenset[str]) -> bool:
    """Return whether a step's rule applies in the scopes of ``within``."""
    if step.rule.scope and step.rule.scope not in within:
        return False
    return not step.rule.scoped or step.dialect in within
