"""What a dialect is made of: rules from attribute names to fields, and parsers of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from re import Pattern
from typing import Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.usage.metadata import read_with_metadata
from tracer.wire.usage.names import costs, costs_by_name, counts
from tracer.wire.usage.numbers import amount as amount
from tracer.wire.usage.numbers import count as count
from tracer.wire.usage.numbers import count_or_object
from tracer.wire.usage.plain import Recipe
from tracer.wire.usage.reading import cost_within, read_cost, read_plain, read_usage
from tracer.wire.usage.shapes import CACHE_BESIDE, INSIDE, NORMALISED, OWN, Convention, layout

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
    """Reads a detail of a value that another rule maps as a whole; consumes no attribute."""
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


# The last microsecond that Python and PostgreSQL can represent: the end of the year 9999.
MAX_MICROS: Final = 253_402_300_799_999_999


def text(value: Json) -> str | None:
    """Return a non-empty scalar as text."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def some(value: Json) -> int | None:
    """Return a count above zero: some sources send zero for every kind of token."""
    return count(value) or None


def boolean(value: Json) -> bool | None:
    """Return a boolean, also one that is sent as text."""
    if isinstance(value, bool):
        return value
    return (
        {"true": True, "false": False}.get(value.strip().lower())
        if isinstance(value, str)
        else None
    )


def mapping(value: Json) -> dict[str, Json] | None:
    """Return a non-empty object."""
    return value if isinstance(value, dict) and value else None


def present(value: Json) -> Json:
    """Return any value but the empty text, which instrumentations send for no value."""
    return None if value == "" else value


def names(value: Json) -> list[str] | None:
    """Return a list of texts; one text is split at its commas.

    Numbers and other items become the text that they are in JSON.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return None
    items = [name for item in value if (name := _item_text(item))]
    return list(dict.fromkeys(items)) or None


def _item_text(item: Json) -> str | None:
    if item is None or isinstance(item, str):
        return text(item)
    return exact_json.encode(item).decode()


def texts(value: Json) -> list[str] | None:
    """Return a list of texts unchanged, and a single text as a list."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    return value if all(isinstance(item, str) and item for item in value) else None


def objects(value: Json) -> list[Json] | None:
    """Return a list of objects."""
    if not isinstance(value, list) or not value:
        return None
    return value if all(isinstance(item, dict) for item in value) else None


def milliseconds(value: Json) -> list[int] | None:
    """Return the only reading of a duration in milliseconds: its microseconds."""
    number = amount(value)
    return [int(number * 1_000)] if number is not None and number < 10**12 else None


def seconds(value: Json) -> list[int] | None:
    """Return both readings of a duration in microseconds: as seconds and as milliseconds.

    The conventions require seconds; some frameworks send milliseconds under the same names.
    """
    number = amount(value)
    if number is None or number >= 10**12:
        return None
    micros = int(number * 1_000_000)
    return [micros, micros // 1_000]


def moment(event: Json) -> int | None:
    """Return an event's time in microseconds."""
    time: int = event["time_ns"] // 1_000
    return time if 0 < time <= MAX_MICROS else None


def micros(value: Json) -> int | None:
    """Return an ISO 8601 time (also quoted once more) as microseconds since the epoch, UTC."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip().strip('"'))
    except ValueError:
        return None
    if time.tzinfo is None:
        return None
    since = time - _EPOCH
    time_in_micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return time_in_micros if 0 <= time_in_micros <= MAX_MICROS else None


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def filled(value: Json) -> Json:
    """Return any value but the empty text, list and object."""
    return value if value or value not in ("", [], {}) else None


def unquoted(value: Json) -> Json:
    """Return any value but the empty text; JSON text of one string becomes that string."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            value = exact_json.decode(value)
        except (msgspec.DecodeError, UnicodeError):
            return value
    return present(value)


def opened(value: Json) -> Json:
    """Return the value of an attribute that the convention defines as JSON text.

    Quotes around a text are removed, nested JSON text is decoded, null becomes None.
    """
    layers = _MAX_LAYERS
    while layers and isinstance(value, str) and value[:1] in _BEGINNINGS:
        layers -= 1
        bare = value.strip()
        if bare == "null":
            return None
        if len(bare) < 2 or not bare[0] == bare[-1] == '"':
            break
        inner = unquoted(bare)
        if inner == bare:
            break
        value = decode_text(inner)[0] if isinstance(inner, str) else inner
    return None if value == "" else value


_MAX_LAYERS: Final = 4
_BEGINNINGS: Final = frozenset('"n \t\r\n')
"""First characters of a JSON string and of null, also after white space."""


def tool_definitions(value: Json) -> list[Json] | None:
    """Return the tools offered to a model: definitions unchanged, bare names as objects."""
    if not isinstance(value, list) or not value:
        return None
    items = [decode_text(item)[0] if isinstance(item, str) else item for item in value]
    tools = [{"name": item} if isinstance(item, str) and item else item for item in items]
    return tools if all(isinstance(tool, dict) for tool in tools) else None


def quoted(parse: Parse) -> Parse:
    """Return ``parse`` for a text that is sent as a JSON string."""
    return lambda value: parse(unquoted(value))


def value_at(*paths: str, parse: Parse) -> Parse:
    """Return a parser of the value at the first of the dotted ``paths`` that an object has.

    ``0`` is the first item of a list.
    """
    steps = [path.split(".") for path in paths]

    def read(value: Json) -> Json:
        for path in steps:
            part = value
            for name in path:
                if name == "0" and isinstance(part, list):
                    part = part[0] if part else None
                else:
                    part = part.get(name) if isinstance(part, dict) else None
            if part is not None and (parsed := parse(part)) is not None:
                return parsed
        return None

    return read


def words(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return ``{"kind": "word word"}`` inverted, for `choice`."""
    return {word: kind for kind, names in kinds.items() for word in names.split()}


def choice(known: Mapping[str, str]) -> Parse:
    """Return a parser that accepts only these words."""

    def parse(value: Json) -> str | None:
        return known.get(value) if isinstance(value, str) else None

    return parse


def constant(word: str) -> Parse:
    """Return a parser that returns ``word`` for every value but the empty one."""

    def parse(value: Json) -> str | None:
        return None if value in ("", None) else word

    return parse


OBJECT: Final = "(object)"
"""As a rule's part: the attribute holds the whole object, other attributes its single parts."""
REPORTS: Final = "(reports)"
"""As a part of usage: the providers' own reports, from `usage.metadata.reported`."""
EXCLUSIVE: Final = "(exclusive)"
"""As a part of usage: the provider may have counted cached tokens outside the input."""


def _usage_as(convention: Convention) -> Build:
    """Return a function that builds usage from counts by name under a convention."""

    @lru_cache(maxsize=1_000)
    def ways(names: tuple[str, ...]) -> tuple[Recipe, ...]:
        return layout(names, convention).plain

    def build(parts: dict[str, Json]) -> Built:
        counts = parts[OBJECT] if len(parts) == 1 and OBJECT in parts else parts
        if (plain := read_plain(counts, ways(tuple(counts)))) is not None:
            return plain, True
        if REPORTS in parts or EXCLUSIVE in parts:
            reports, exclusive = parts.pop(REPORTS, []), EXCLUSIVE in parts
            parts.pop(EXCLUSIVE, None)
            return read_with_metadata(parts, reports, exclusive=exclusive)
        whole = parts.pop(OBJECT, None)
        return read_usage({**whole, **parts} if whole else parts, convention)

    return build


inclusive_usage: Final = _usage_as(INSIDE)
"""Builds usage from counts whose input and output include their parts."""
exclusive_usage: Final = _usage_as(CACHE_BESIDE)
"""Builds usage from counts whose input excludes cached tokens."""
normalised_usage: Final = _usage_as(NORMALISED)
"""Builds usage from counts that a gateway made inclusive but named like the provider's."""
own_usage: Final = _usage_as(OWN)
"""Builds usage from an application's object: a provider's, or one with types of its own."""


def usage_rules(
    prefix: str,
    build: Build = inclusive_usage,
    *,
    scope: str = "",
    scoped: bool = False,
    late: bool = False,
) -> tuple[Rule, ...]:
    """Return the rules for counts of any name below ``prefix``, and for an object of counts."""
    rules = (
        Rule("usage", f"{prefix}*", count_or_object, build=build, json=True, known=counts),
        Rule("cost", f"{prefix}*", amount, build=inclusive_cost, known=costs_by_name),
        *object_rules(prefix.removesuffix("."), build),
    )
    return tuple(rule._replace(scope=scope, scoped=scoped, late=late) for rule in rules)


def object_rules(key: str, build: Build = own_usage, *, scoped: bool = False) -> tuple[Rule, ...]:
    """Return the rules for an object of counts, and for the costs in it."""
    return (
        Rule("usage", key, mapping, OBJECT, build, json=True, scoped=scoped),
        Rule("cost", key, object_cost, json=True, detail=True, scoped=scoped),
    )


def cost_rules(prefix: str) -> tuple[Rule, ...]:
    """Return the rules for dollars of any name below ``prefix``."""
    return (Rule("cost", f"{prefix}*", amount, build=inclusive_cost, known=costs),)


def inclusive_cost(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build cost from amounts; what a total has over its parts becomes ``other``."""
    return read_cost(parts)


def own_cost(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build cost from an application's object of amounts by type."""
    return read_cost(parts[OBJECT], OWN)


def named_usage(value: Json) -> dict[str, int] | None:
    """Return the buckets of an object of counts from an SDK; None: it has no counts."""
    return read_usage(value, OWN).buckets or None if isinstance(value, dict) else None


def named_cost(value: Json) -> dict[str, Decimal] | None:
    """Return the dollars by type of an object of amounts; None: it has no amounts."""
    return read_cost(value, OWN).buckets or None if isinstance(value, dict) else None


def object_cost(value: Json) -> dict[str, Decimal] | None:
    """Return the dollars in an object of counts; None: it has none."""
    return cost_within(value) or None if isinstance(value, dict) else None


def as_object(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build an object that holds the parts by name."""
    return parts, True


def in_order(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build a list of the values of events, in the order of the events."""
    return [parts[index] for index in sorted(parts, key=int)], True
