"""The attribute mapping of a span for its panel: attributes that set the same fields in groups."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from tracer.mapping import MappedAttribute, MappedField, Mapping, UnmappedAttribute

_MAX_NAMES = 6
_LABELS = {"(name)": "the span's name"}


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that set the same fields, such as the items of a flattened list."""

    names: list[str]
    more: list[str]
    """Names beyond the first ``_MAX_NAMES``, which are hidden at first."""
    kept: bool
    """The attributes are stored as well."""
    fields: list[MappedField]


@dataclass(frozen=True, slots=True)
class MappingView:
    """The content of the tab."""

    dialect: str | None
    usage: list[str]
    groups: list[Group]
    unmapped: list[UnmappedAttribute]
    events: list[str]


def view_mapping(mapping: Mapping) -> MappingView:
    """Return a mapping with consecutive attributes grouped by the fields that they set."""
    groups = [_group(list(items)) for _, items in groupby(mapping.mapped, _grouping_key)]
    return MappingView(mapping.dialect, mapping.usage, groups, mapping.unmapped, mapping.events)


def _grouping_key(item: MappedAttribute) -> tuple[bool, list[MappedField]]:
    return item.kept, item.fields


def _group(items: list[MappedAttribute]) -> Group:
    names = [_LABELS.get(item.attribute, item.attribute) for item in items]
    return Group(names[:_MAX_NAMES], names[_MAX_NAMES:], items[0].kept, items[0].fields)
