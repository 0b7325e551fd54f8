"""Maps attributes to fields: applies the rules of all dialects in order of precedence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from tracer.records import Json, SpanRecord
from tracer.wire.clean import decode_text
from tracer.wire.dialects import DIALECTS
from tracer.wire.dialects.table import EVENT, NAME, Build
from tracer.wire.json_text import NULL
from tracer.wire.spans.plans import MERGED, SHARED, PartStep, Plan, Step, Table

__all__ = (
    "AGGREGATING",
    "EVENT_NAMES",
    "JOINED_EVENTS",
    "MAPPED_EVENTS",
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
"""Events whose attributes are mapped like the span's own."""

_EVENT_RULES: Final = [
    rule for dialect in DIALECTS for rule in dialect.rules if rule.key.startswith(EVENT)
]
MAPPED_EVENTS: Final = frozenset(rule.key.removeprefix(EVENT) for rule in _EVENT_RULES)
"""Events that rules map as a whole."""
JOINED_EVENTS: Final = frozenset(
    rule.key.removeprefix(EVENT) for rule in _EVENT_RULES if rule.build
)
"""Those whose values form one field together; of other mapped events only the first is mapped."""


class Resolution:
    """Fields of attributes, and the plan's steps that set them."""

    __slots__ = (
        "_accepted",
        "_plan",
        "_rejected",
        "field_notes",
        "fields",
        "has_rare_fields",
        "has_trace_facts",
        "notes",
    )

    def __init__(self, plan: Plan, sources: list[dict[str, Json]], name: str = "") -> None:
        self.fields: dict[str, Json] = {}
        self.notes: dict[str, dict[str, Json]] = {}
        """Changes made by decoding, by attribute name."""
        self.field_notes: dict[str, dict[str, Json]] = {}
        """Notes on fields, by field."""
        self.has_rare_fields = plan.has_rare_fields
        """The fields may include `RARE_FIELDS`."""
        self.has_trace_facts = plan.has_trace_facts
        """The fields may include some of the trace."""
        self._plan = plan
        self._accepted = self._rejected = 0
        if plan.reads_span_name:
            sources = [*sources, {NAME: name}]
        decoded: dict[int, Json] = {}
        self._apply_single_steps(sources, decoded)
        for field, (build, steps) in plan.built_fields.items():
            self._apply_part_steps(field, build, steps, sources, decoded)
        if plan.joint_steps:
            self._apply_joint_steps(sources, decoded)

    def _apply_single_steps(self, sources: list[dict[str, Json]], decoded: dict[int, Json]) -> None:
        """Apply the steps that are the only one for their field, as most are.

        ``decoded`` gets the values of the texts that other steps read too, by the texts' ids.
        """
        fields, accepted_bits = self.fields, 0
        for bit, source, key, field, parse, json in self._plan.single_steps:
            value = sources[source][key]
            if json and type(value) is str:
                value = self._decode(key, value, decoded if json == SHARED else None)
            if parse is not None:
                value = parse(value)
            if value is not None:
                fields[field] = value
                accepted_bits |= bit
        self._accepted = accepted_bits

    def _decode(self, key: str, text: str, shared: dict[int, Json] | None) -> Json:
        """Return the JSON in a text; ``shared``: the values of texts that several steps read."""
        if shared is not None and id(text) in shared:
            return shared[id(text)]
        value, notes = decode_text(text)
        if notes:
            self.notes[key] = notes
        if shared is not None:
            shared[id(text)] = value
        return value

    def _apply_part_steps(
        self,
        field: str,
        build: Build,
        steps: list[PartStep],
        sources: list[dict[str, Json]],
        decoded: dict[int, Json],
    ) -> None:
        """Apply the steps of a field that one function builds, in half the time of joint steps."""
        parts: dict[str, Json] = {}
        accepted_bits = rejected_bits = 0
        for bit, source, key, part, parse, json in steps:
            value = sources[source][key]
            if json and type(value) is str:
                value = self._decode(key, value, decoded if json == SHARED else None)
            if parse is not None:
                value = parse(value)
            if value is None:
                continue
            if value is NULL:
                value = None
            present = parts.setdefault(part, value)
            if present is value or _same(present, value):
                accepted_bits |= bit
            else:
                rejected_bits |= bit
        self._accepted |= accepted_bits
        self._rejected |= rejected_bits
        if accepted_bits:
            self._build(field, build, parts)

    def _build(self, field: str, build: Build, parts: dict[str, Json]) -> None:
        result = build(parts)
        built, complete = result[0], result[1]
        # An input may be an empty object; any other empty field counts as not set.
        kept = bool(built) or (complete and built is not None and field in _PAYLOADS)
        if kept:
            self.fields[field] = built
            if len(result) == 3 and result[2]:
                self.field_notes[field] = result[2]
        if not (kept and complete):
            self.keep_attributes_of(field)

    def _apply_joint_steps(self, sources: list[dict[str, Json]], decoded: dict[int, Json]) -> None:
        """Apply the steps whose field other steps set too, or a build function of several parts."""
        fields, accepted_bits, rejected_bits = self.fields, self._accepted, self._rejected
        builds: dict[str, Build] = {}
        for bit, source, key, field, parse, json, merged, build, part in self._plan.joint_steps:
            value = sources[source][key]
            if json and type(value) is str:
                value = self._decode(key, value, decoded if json == SHARED else None)
            if parse is not None:
                value = parse(value)
            if value is None:
                continue
            if value is NULL:
                value = None
            if merged:
                accepted = _merge(fields.setdefault(field, {}), value, part)
            elif field not in fields:
                if build is None:
                    fields[field] = value
                else:
                    builds[field] = build
                    fields[field] = {part: value}
                accepted = True
            elif build is None:
                accepted = field not in builds and _same(fields[field], value)
            else:
                # Parts of different build functions don't mix: the first function wins.
                accepted = False
                if builds.get(field) is build:
                    present = fields[field].setdefault(part, value)
                    accepted = present is value or _same(present, value)
            if accepted:
                accepted_bits |= bit
            else:
                rejected_bits |= bit
        self._accepted, self._rejected = accepted_bits, rejected_bits
        for field, build in builds.items():
            # Without a usable value in the parts, the field is not set.
            self._build(field, build, fields.pop(field))

    @property
    def accepted_steps(self) -> list[Step]:
        """The steps that set the fields, by precedence; the shown mapping lists them."""
        return self._plan.steps_of(self._accepted)

    def dialect_of(self, field: str) -> str | None:
        """Return the dialect that set ``field``, even if only in part."""
        bits = (self._accepted | self._rejected) & self._plan.masks.get(field, 0)
        lowest = bits & -bits
        return self._plan.steps[lowest.bit_length() - 1].dialect if lowest else None

    def set_record_fields(self, record: SpanRecord) -> None:
        """Set the fields that the record has under the same name."""
        fields = self.fields
        for name in self._plan.record_fields:
            if name in fields:
                setattr(record, name, fields[name])

    def trace(self) -> dict[str, Json]:
        """Return the fields of the trace by their own names."""
        if not self._plan.trace_fields:
            return {}
        fields = self.fields
        return {name: fields[field] for field, name in self._plan.trace_fields if field in fields}

    def keep_attributes_of(self, field: str) -> None:
        """Keep the attributes that set ``field``."""
        mask = self._plan.masks[field]
        self._rejected |= self._accepted & mask
        self._accepted &= ~mask

    def remove_field(self, field: str) -> None:
        """Remove ``field`` and keep the attributes that set it."""
        if field in self.fields:
            del self.fields[field]
            self.keep_attributes_of(field)

    def partition(
        self, attributes: dict[str, Json]
    ) -> tuple[dict[str, Json], tuple[str, ...], str | None]:
        """Return the span's unconsumed attributes, the names of the others, and the dialect.

        It is the dialect of the accepted step with the highest precedence.
        """
        unconsumed, consumed, dialect = self._plan.partition(self._accepted, self._rejected, 0)
        if consumed:
            attributes = {name: attributes[name] for name in unconsumed}
        return attributes, consumed, dialect

    def unconsumed_event_attributes(
        self, source: int, attributes: dict[str, Json]
    ) -> dict[str, Json]:
        """Return the ``attributes`` of an event, which are a source, without the consumed ones."""
        partition = self._plan.partition(self._accepted, self._rejected, source)
        return {name: attributes[name] for name in partition.unconsumed}

    def consumed_events(self) -> set[int]:
        """Return the indexes of the events that were consumed as a whole."""
        last = self._plan.source_count - 1
        if not last:
            return set()
        keys = self._plan.partition(self._accepted, self._rejected, last).consumed
        return {int(key.rpartition("#")[2]) for key in keys if key.startswith(EVENT)}


AGGREGATING: Final = frozenset(dialect.name for dialect in DIALECTS if dialect.aggregates)
"""Dialects whose agents and chains report the sum of the spans below them."""
SPAN_TABLE: Final = Table([(dialect, dialect.rules) for dialect in DIALECTS])
RESOURCE_TABLE: Final = Table([(dialect, dialect.resource) for dialect in DIALECTS])

_NONE: Final[frozenset[str]] = frozenset()


_RULE_SCOPES: Final = {rule.scope for dialect in DIALECTS for rule in dialect.rules if rule.scope}


def dialects_of(scope: Mapping[str, Json], resource: Mapping[str, Json]) -> frozenset[str]:
    """Return the dialects to which spans of the instrumentation scope belong.

    Scopes that single rules name are included as the rules write them: by name, or by
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
    """Return the fields of ``sources``: the rule of the better rank sets a field.

    Of one rule in two sources, the earlier source does.
    ``within`` are the dialects of the span's scope, ``name`` is the span's name.
    """
    return Resolution(table.plan(sources, within), sources, name)


def _merge(merged: dict[str, Json], value: Json, part: str | None) -> bool:
    """Add one part, or every part of an object; False: the part has another value already."""
    if part is None:
        return all([_same(merged.setdefault(name, item), item) for name, item in value.items()])  # noqa: C419 - every item is added
    present = merged.setdefault(part, value)
    return present is value or _same(present, value)


def _same(present: Json, value: Json) -> bool:
    # 1 and True are equal in Python, but are different values in JSON.
    return present is value or (type(present) is type(value) and bool(present == value))
