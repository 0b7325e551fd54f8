"""What a dialect is made of: rules from attribute names to fields."""

from __future__ import annotations

from collections.abc import Callable
from re import Pattern
from typing import Final, NamedTuple

from tracer.records import Json

Parse = Callable[[Json], Json]
"""Returns the field's value, or None for an attribute value that it can't read."""

Built = tuple[Json, bool] | tuple[Json, bool, dict[str, Json]]
"""A field's value, whether the value includes every part, and optionally the field's note."""

Build = Callable[[dict[str, Json]], Built]
"""Builds a field from its parts."""


NAME: Final = "(name)"
"""As a rule's key: the span's own name, which is no attribute."""

EVENT: Final = "event:"
"""Before a span event's name, as a key: that event, ``{"name", "time_ns", "attributes"}``."""


class Rule(NamedTuple):
    """Maps one attribute name to a field; a name that ends in ``*`` is a prefix.

    ``field`` is a SpanRecord field, ``trace.`` and a trace field, or a name that only `record.py`
    reads. A rule with a ``part`` sets one part of the field. A rule for a prefix or an event sets a
    part too: the rest of the name, or the event's index among the span's events.

    A rule for ``NAME`` applies only where another rule of the dialect, or its scope, fits the span.
    """

    field: str
    key: str
    parse: Parse | None = None
    part: str | None = None
    build: Build | None = None
    """Builds the field from the parts of all rules with this same function."""
    json: bool = False
    """Text that holds a JSON object or array is decoded before ``parse``."""
    keep: bool = False
    """The attribute has more content than the field, so it stays in attributes as well."""
    detail: bool = False
    """Reads a detail of a value that another rule maps as a whole; consumes no attribute.

    One with ``known`` applies only where its function ``build`` builds the field, beside a part
    that ``known`` accepts.
    """
    late: bool = False
    """Applied after the other rules of all dialects: a general name such as ``input.value``."""
    scoped: bool = False
    """Applies only to spans of the dialect's ``scopes``: other sources use the name too."""
    excluded: Pattern[str] | None = None
    """Names after the prefix to which the rule does not apply."""
    scope: str = ""
    """Applies only to spans of this instrumentation scope; one that ends in ``*`` is a prefix."""
    known: Callable[[str], bool] | None = None
    """Accepts the names after the prefix to which the rule applies; None: all."""


class Dialect(NamedTuple):
    """A naming convention for attributes; of two rules for one field the earlier one wins."""

    name: str
    rules: tuple[Rule, ...]
    events: tuple[str, ...] = ()
    """Span events whose attributes are mapped like the span's own."""
    resource: tuple[Rule, ...] = ()
    """Rules for the resource's attributes."""
    scopes: tuple[str, ...] = ()
    """Instrumentation scopes of the dialect; one that ends in ``*`` is a prefix."""
    aggregates: bool = True
    """The usage of an agent or a chain is the sum of the spans below it, as frameworks report it;
    False: the application sets it."""


OBJECT: Final = "(object)"
"""As a rule's part: the attribute holds the whole object, other attributes its single parts."""


def as_object(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build an object that holds the parts by name."""
    return parts, True


def in_order(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build a list of the values of events, in the order of the events."""
    return [parts[index] for index in sorted(parts, key=int)], True
