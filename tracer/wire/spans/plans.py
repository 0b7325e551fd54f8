"""Mapping plans: the rules that apply to a set of attribute names, computed once per set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from tracer.records import Json
from tracer.wire.dialects.table import EVENT, NAME, Build, Dialect, Parse, Rule

MERGED: Final = frozenset(("metadata", "trace.metadata"))
"""Objects to which every dialect may add; the first dialect with a key sets its value."""

RARE_FIELDS: Final = frozenset(
    ("pending", "scores", "annotations", "annotations_of_trace", "annotations_of_session")
)
"""Fields that few spans have, and that are more than a field of the record."""

RECORD_FIELDS: Final = frozenset(
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
"""Fields that the record has under the same name and unchanged."""

_MAX_PLANS: Final = 2_000
_MAX_PLANNED: Final = 200
_MAX_PARTITIONS: Final = 50


class Step(NamedTuple):
    """The application of one rule to one attribute; steps sort by precedence."""

    rank: int
    source: int
    """0: the span's attributes; then attributes of events, whole events, the span's name."""
    key: str
    dialect: str
    rule: Rule
    part: str | None


SingleStep = tuple[int, int, str, str, Parse | None, int]
"""Bit, source, key, field, parse, json: of the only step for its field."""
JointStep = tuple[int, int, str, str, Parse | None, int, bool, Build | None, str | None]
"""Bit, source, key, field, parse, json, merged, build, part: of any other step."""
PartStep = tuple[int, int, str, str, Parse | None, int]
"""Bit, source, key, part, parse, json: of a step for a field that one function builds."""

SHARED: Final = 2
"""As ``json``: other steps decode the same text. 1: no other step does; 0: it is not decoded."""


class Partition(NamedTuple):
    """What applied steps leave of a source's attributes."""

    unconsumed: tuple[str, ...]
    """Names, like `consumed`."""
    consumed: tuple[str, ...]
    dialect: str | None
    """The dialect of the accepted step with the highest precedence, of any source."""


class Plan:
    """The steps for spans with the same attribute names, as most spans of a program have.

    A set of steps is an integer with a bit for each, the lowest for the highest precedence.
    """

    __slots__ = (
        "_names",
        "_partitions",
        "built_fields",
        "has_rare_fields",
        "has_trace_facts",
        "joint_steps",
        "masks",
        "reads_span_name",
        "record_fields",
        "single_steps",
        "source_count",
        "steps",
        "trace_fields",
    )

    def __init__(self, names: tuple[tuple[str, ...], ...], steps: list[Step]) -> None:
        self.steps = steps
        self.masks: dict[str, int] = {}
        """By field: the bits of its steps."""
        for index, step in enumerate(steps):
            self.masks[step.rule.field] = self.masks.get(step.rule.field, 0) | 1 << index
        texts = Counter((step.source, step.key) for step in steps if step.rule.json)
        shared = {text for text, readers in texts.items() if readers > 1}
        self.single_steps: list[SingleStep] = []
        """Steps that are the only one for their field."""
        self.built_fields: dict[str, tuple[Build, list[PartStep]]] = {}
        """Fields all of whose steps set parts for one build function: the function, the steps."""
        self.joint_steps: list[JointStep] = []
        """The other steps; all are unpacked once instead of for each span."""
        builds = _single_builds(steps)
        for index, step in enumerate(steps):
            json = int(step.rule.json)
            if json and (step.source, step.key) in shared:
                json = SHARED
            self._add(step, 1 << index, json, builds.get(step.rule.field))
        self.record_fields = [field for field in self.masks if field in RECORD_FIELDS]
        self.trace_fields = [(field, field[6:]) for field in self.masks if field[:6] == "trace."]
        self.has_trace_facts = bool(self.trace_fields) or "as_root" in self.masks
        self.has_rare_fields = not RARE_FIELDS.isdisjoint(self.masks)
        self.reads_span_name = any(step.key == NAME for step in steps)
        """The span's name is the last source."""
        self.source_count = len(names)
        self._names = names
        self._partitions: dict[tuple[int, int, int], Partition] = {}

    def _add(self, step: Step, bit: int, json: int, only_build: Build | None) -> None:
        rule = step.rule
        merged = rule.field in MERGED
        build = None if step.part is None else rule.build
        single = (bit, step.source, step.key, rule.field, rule.parse, json)
        if only_build is not None:
            _, parts = self.built_fields.setdefault(rule.field, (only_build, []))
            parts.append((bit, step.source, step.key, str(step.part), rule.parse, json))
        elif self.masks[rule.field] == bit and not merged and build is None:
            self.single_steps.append(single)
        else:
            self.joint_steps.append((*single, merged, build, step.part))

    def steps_of(self, bits: int) -> list[Step]:
        """Return the steps whose bits are set in ``bits``, by precedence."""
        return [step for index, step in enumerate(self.steps) if bits >> index & 1]

    def partition(self, accepted_bits: int, rejected_bits: int, source: int) -> Partition:
        """Return what these steps leave of a source's attributes.

        The tuples are the same objects for all spans of this plan.
        """
        partition = self._partitions.get((accepted_bits, rejected_bits, source))
        if partition is None:
            names = self._names[source]
            consumed = self._consumed_names(accepted_bits, rejected_bits, source)
            partition = Partition(
                unconsumed=tuple(name for name in names if name not in consumed),
                consumed=tuple(name for name in names if name in consumed),
                dialect=next((step.dialect for step in self.steps_of(accepted_bits)), None),
            )
            if len(self._partitions) < _MAX_PARTITIONS:
                self._partitions[accepted_bits, rejected_bits, source] = partition
        return partition

    def _consumed_names(self, accepted_bits: int, rejected_bits: int, source: int) -> set[str]:
        """Return the names of the consumed attributes: fields hold all of their content."""
        fields: dict[tuple[str, str], set[str]] = {}
        kept: set[str] = set()
        for step in self.steps_of(accepted_bits):
            if step.source == source and not step.rule.detail:
                fields.setdefault((step.key, step.dialect), set()).add(step.rule.field)
                if step.rule.keep:
                    kept.add(step.key)
        # A dialect may map an attribute to two fields: it is consumed if both took its value.
        for step in self.steps_of(rejected_bits):
            fields_set = fields.get((step.key, step.dialect))
            if step.source != source or fields_set is None or step.rule.detail:
                continue
            if step.rule.field not in fields_set:
                kept.add(step.key)
        return {key for key, _ in fields} - kept


def _single_builds(steps: Iterable[Step]) -> dict[str, Build]:
    """Return the build function of each field all of whose steps set parts for the same one."""
    builds: dict[str, set[Build | None]] = {}
    for step in steps:
        build = None if step.part is None or step.rule.field in MERGED else step.rule.build
        builds.setdefault(step.rule.field, set()).add(build)
    return {
        field: build
        for field, functions in builds.items()
        if len(functions) == 1 and (build := next(iter(functions))) is not None
    }


class Table:
    """The rules of all dialects by attribute name, and a cache of plans."""

    def __init__(self, rules: Iterable[tuple[Dialect, Iterable[Rule]]]) -> None:
        self._exact: dict[str, list[Step]] = {}
        self._prefixes: list[tuple[str, Step]] = []
        self._plans: dict[tuple[frozenset[str], tuple[tuple[str, ...], ...]], Plan] = {}
        for order, (dialect, dialect_rules) in enumerate(rules):
            for index, rule in enumerate(dialect_rules):
                rank = (1_000_000 if rule.late else 0) + order * 1_000 + index
                step = Step(rank, 0, rule.key, dialect.name, rule, rule.part)
                if rule.key.endswith("*"):
                    self._prefixes.append((rule.key[:-1], step))
                else:
                    self._exact.setdefault(rule.key, []).append(step)

    def plan(self, sources: list[dict[str, Json]], within: frozenset[str]) -> Plan:
        """Return the plan for these sources' names in a scope of the dialects ``within``."""
        # Most spans have no event that is mapped.
        names = (tuple(sources[0]),) if len(sources) == 1 else tuple(map(tuple, sources))
        plan = self._plans.get((within, names))
        if plan is None:
            plan = self._make_plan(names, within)
            if sum(map(len, names)) <= _MAX_PLANNED:
                if len(self._plans) >= _MAX_PLANS:
                    self._plans.clear()
                self._plans[within, names] = plan
        return plan

    def _make_plan(self, names: tuple[tuple[str, ...], ...], within: frozenset[str]) -> Plan:
        steps = [
            step._replace(source=source, key=key)
            for source, keys in enumerate(names)
            for key in keys
            for step in self._steps(key, within)
        ]
        dialects = within.union(step.dialect for step in steps)
        steps += [
            step._replace(source=len(names))
            for step in self._exact.get(NAME, ())
            if step.dialect in (within if step.rule.scoped else dialects)
        ]
        return Plan(names, sorted(step for step in steps if not _is_idle(step, steps)))

    def _steps(self, key: str, within: frozenset[str]) -> list[Step]:
        if key.startswith(EVENT):
            name, _, index = key.rpartition("#")
            steps = [step._replace(part=index) for step in self._exact.get(name, ())]
        else:
            steps = list(self._exact.get(key, ())) if key != NAME else []
            dialects = {step.dialect for step in steps}
            for prefix, step in self._prefixes:
                suffix = key[len(prefix) :] if key.startswith(prefix) else ""
                if suffix and step.dialect not in dialects and _accepts_name(step.rule, suffix):
                    steps.append(step._replace(part=suffix))
        return [step for step in steps if _applies_in(step, within)]


def _is_idle(step: Step, steps: list[Step]) -> bool:
    """Return whether a step adds a detail to a field that is built without such details.

    Without it the field's steps may have one build function, and take half the time.
    """
    rule = step.rule
    if not (rule.detail and rule.known):
        return False
    others = [other for other in steps if other.rule.field == rule.field and not other.rule.detail]
    if not others or min(others).rule.build is not rule.build:
        return True
    return not any(rule.known(str(other.part)) for other in others)


def _accepts_name(rule: Rule, suffix: str) -> bool:
    """Return whether a prefix rule applies to the name that continues with ``suffix``."""
    if rule.excluded is not None and rule.excluded.fullmatch(suffix):
        return False
    return rule.known is None or rule.known(suffix)


def _applies_in(step: Step, within: frozenset[str]) -> bool:
    """Return whether a step's rule applies in the scopes of ``within``."""
    if step.rule.scope and step.rule.scope not in within:
        return False
    return not step.rule.scoped or step.dialect in within
