"""What a dialect is made of: rules from attribute names to fields, and parsers of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from re import Pattern
from typing import Final, NamedTuple

import msgspec

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
"""Returns the field's value, or None where the attribute's value can't be understood."""

Built = tuple[Json, bool] | tuple[Json, bool, dict[str, Json]]
"""A field's value, whether it tells every part, and what a reader has to know: the field's note."""
Build = Callable[[dict[str, Json]], Built]
"""Makes a field of its parts."""


NAME: Final = "(name)"
"""As a rule's key: the span's own name, which is no attribute."""

EVENT: Final = "event:"
"""Before a span event's name, as a key: that event, ``{"name", "time_ns", "attributes"}``."""


class Rule(NamedTuple):
    """One attribute name and the field it tells; a name that ends in ``*`` stands for a prefix.

    ``field`` is a SpanRecord field, ``trace.`` and a trace field, or one of ``span.py``'s own
    words. A rule with a ``part`` tells one part of the field. What a prefix or an event tells is
    a part by itself: the rest of the name, or the event's place among the span's events.

    ``NAME`` is looked at only where another rule of the dialect, or its scope, fits the span.
    """

    field: str
    key: str
    parse: Parse | None = None
    part: str | None = None
    build: Build | None = None
    """Makes the field of the parts that all rules with this same function have found."""
    json: bool = False
    """Text that holds a JSON object or array is decoded before ``parse``."""
    keep: bool = False
    """The attribute says more than the field does, so it stays in attributes as well."""
    aside: bool = False
    """Reads a detail out of what another rule tells whole, and so claims nothing by itself."""
    late: bool = False
    """Tried after every dialect's other rules: a general name such as ``input.value``."""
    scoped: bool = False
    """Believed only of spans of the dialect's own ``scopes``: a name that others use too."""
    but: Pattern[str] | None = None
    """Names, after a prefix, that the prefix doesn't stand for."""
    scope: str = ""
    """Believed only of spans of this instrumentation scope; one that ends in ``*`` is a prefix."""
    known: Callable[[str], bool] | None = None
    """Which names a prefix stands for, by what follows it; None: all."""


class Dialect(NamedTuple):
    """One way to name things in attributes; of two rules for one field the earlier one wins."""

    name: str
    rules: tuple[Rule, ...]
    events: tuple[str, ...] = ()
    """Span events whose attributes are read like the span's own."""
    resource: tuple[Rule, ...] = ()
    """Rules for the resource's attributes."""
    scopes: tuple[str, ...] = ()
    """Instrumentation scopes of the dialect; one that ends in ``*`` stands for a prefix."""
    aggregates: bool = True
    """The usage of its agents and chains is the sum of what runs below them, as frameworks report
    it; False: it is what an application has set."""


# The last microsecond that both Python and PostgreSQL can name: the end of the year 9999.
MAX_MICROS: Final = 253_402_300_799_999_999


def text(value: Json) -> str | None:
    """Return a non-empty scalar as text."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def some(value: Json) -> int | None:
    """Return a count that isn't zero, where sources name each kind of token that there could be."""
    return count(value) or None


def boolean(value: Json) -> bool | None:
    """Return a boolean, also of its name as text."""
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
    """Return any value but the empty text, which instrumentations send for "nothing"."""
    return None if value == "" else value


def names(value: Json) -> list[str] | None:
    """Return a list of texts; of one text: its parts between commas."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return None
    found = [name for item in value if (name := text(item))]
    return list(dict.fromkeys(found)) or None


def texts(value: Json) -> list[str] | None:
    """Return a list of texts as it is, one text as a list of it."""
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
    """Return a duration in milliseconds as microseconds, as the only reading of the value."""
    number = amount(value)
    return [int(number * 1_000)] if number is not None and number < 10**12 else None


def seconds(value: Json) -> list[int] | None:
    """Return a duration as microseconds: read as seconds, and read as milliseconds.

    Conventions ask for seconds, and some frameworks send milliseconds under the same names.
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
    told = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return told if 0 <= told <= MAX_MICROS else None


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def filled(value: Json) -> Json:
    """Return any value but the empty text, list and object."""
    return value if value or value not in ("", [], {}) else None


def unquoted(value: Json) -> Json:
    """Return any value but the empty text; of JSON text that is one string, that string."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError):
            return value
    return present(value)


def opened(value: Json) -> Json:
    """Return what an attribute holds that is JSON text by its convention.

    A text in quotes loses them, JSON text within JSON text is decoded, null is nothing.
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
"""Of a JSON text in quotes and of null, also with white space around."""


def tool_definitions(value: Json) -> list[Json] | None:
    """Return the tools that a model was offered: definitions as they are, names as objects."""
    if not isinstance(value, list) or not value:
        return None
    items = [decode_text(item)[0] if isinstance(item, str) else item for item in value]
    tools = [{"name": item} if isinstance(item, str) and item else item for item in items]
    return tools if all(isinstance(tool, dict) for tool in tools) else None


def quoted(parse: Parse) -> Parse:
    """Return ``parse`` for texts that are sent as JSON, in quotes."""
    return lambda value: parse(unquoted(value))


def at(*paths: str, parse: Parse) -> Parse:
    """Return a parser of what lies at the first of the dotted ``paths`` that an object has.

    ``0`` is the first item of a list.
    """
    steps = [path.split(".") for path in paths]

    def read(value: Json) -> Json:
        for path in steps:
            found = value
            for name in path:
                if name == "0" and isinstance(found, list):
                    found = found[0] if found else None
                else:
                    found = found.get(name) if isinstance(found, dict) else None
            if found is not None and (told := parse(found)) is not None:
                return told
        return None

    return read


def words(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return ``{"kind": "word word"}`` the other way round, for ``choice``."""
    return {word: kind for kind, said in kinds.items() for word in said.split()}


def choice(known: Mapping[str, str]) -> Parse:
    """Return a parser that knows just these words."""

    def parse(value: Json) -> str | None:
        return known.get(value) if isinstance(value, str) else None

    return parse


def constant(word: str) -> Parse:
    """Return a parser that says ``word`` of every value but the empty one."""

    def parse(value: Json) -> str | None:
        return None if value in ("", None) else word

    return parse


OBJECT: Final = "(object)"
"""As a rule's part: the attribute holds the object whose parts other attributes hold one by one."""
REPORTS: Final = "(reports)"
"""As a part of usage: what providers reported themselves, as `usage.metadata.reported` has it."""
EXCLUSIVE: Final = "(exclusive)"
"""As a part of usage: the provider is one that may have counted cached tokens apart."""


def _usage_as(convention: Convention) -> Build:
    """Return what makes usage of counts by name, as a sender of this convention counts."""

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
"""Builds usage of counts in which input and output include their parts."""
exclusive_usage: Final = _usage_as(CACHE_BESIDE)
"""Builds usage of counts in which the input holds no cached tokens."""
normalised_usage: Final = _usage_as(NORMALISED)
"""Builds usage of counts that a gateway has made inclusive, whatever provider's names they have."""
own_usage: Final = _usage_as(OWN)
"""Builds usage of what an application handed over: a provider's object, or types of its own."""


def usage_rules(
    prefix: str,
    build: Build = inclusive_usage,
    *,
    scope: str = "",
    scoped: bool = False,
    late: bool = False,
) -> tuple[Rule, ...]:
    """Return the rules for counts below ``prefix``, by any name, and for an object of them."""
    rules = (
        Rule("usage", f"{prefix}*", count_or_object, build=build, json=True, known=counts),
        Rule("cost", f"{prefix}*", amount, build=inclusive_cost, known=costs_by_name),
        *object_rules(prefix.removesuffix("."), build),
    )
    return tuple(rule._replace(scope=scope, scoped=scoped, late=late) for rule in rules)


def object_rules(key: str, build: Build = own_usage, *, scoped: bool = False) -> tuple[Rule, ...]:
    """Return the rules for an object of counts, and for what it names as their cost."""
    return (
        Rule("usage", key, mapping, OBJECT, build, json=True, scoped=scoped),
        Rule("cost", key, object_cost, json=True, aside=True, scoped=scoped),
    )


def cost_rules(prefix: str) -> tuple[Rule, ...]:
    """Return the rules for dollars below ``prefix``, by any name."""
    return (Rule("cost", f"{prefix}*", amount, build=inclusive_cost, known=costs),)


def inclusive_cost(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build cost of amounts that include their parts; a total's rest becomes ``other``."""
    return read_cost(parts)


def own_cost(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build cost of an object of amounts by type, as an application hands it over."""
    return read_cost(parts[OBJECT], OWN)


def named_usage(value: Json) -> dict[str, int] | None:
    """Return the buckets of an object of counts, as SDKs hand them over; None: there are none."""
    return read_usage(value, OWN).buckets or None if isinstance(value, dict) else None


def named_cost(value: Json) -> dict[str, Decimal] | None:
    """Return the dollars by type of an object of amounts; None: there are none."""
    return read_cost(value, OWN).buckets or None if isinstance(value, dict) else None


def object_cost(value: Json) -> dict[str, Decimal] | None:
    """Return the dollars that an object of counts names beside them; None: it names none."""
    return cost_within(value) or None if isinstance(value, dict) else None


def as_object(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build an object that holds the parts by name."""
    return parts, True


def in_order(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build a list of what events tell, in the order of their places."""
    return [parts[place] for place in sorted(parts, key=int)], True
