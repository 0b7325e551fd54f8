"""How a span was understood, as its panel shows it: what told the same stands together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from tracer.mapping import MappedAttribute, MappedField, Mapping, UnmappedAttribute

_MOST_NAMES = 6
_LABELS = {"(name)": "the span's name"}


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that told the same fields, as the parts of a flattened list do."""

    names: list[str]
    more: list[str]
    """Names too many to be shown at once."""
    kept: bool
    told: list[MappedField]


@dataclass(frozen=True, slots=True)
class MappingView:
    """What the tab shows."""

    dialect: str | None
    usage: list[str]
    groups: list[Group]
    unmapped: list[UnmappedAttribute]
    events: list[str]


def view_mapping(mapping: Mapping) -> MappingView:
    """Return an explanation with neighbours of the same meaning put together."""
    groups = [_group(list(items)) for _, items in groupby(mapping.understood, _meaning)]
    return MappingView(mapping.dialect, mapping.usage, groups, mapping.unmapped, mapping.events)


def _meaning(item: MappedAttribute) -> tuple[bool, list[MappedField]]:
    return item.kept, item.told


def _group(items: list[MappedAttribute]) -> Group:
    names = [_LABELS.get(item.attribute, item.attribute) for item in items]
    return Group(names[:_MOST_NAMES], names[_MOST_NAMES:], items[0].kept, items[0].told)
