"""What a dialect is made of: rules from attribute names to fields, and parsers of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from re import Pattern
from typing import Final, NamedTuple

import msgspec

from tracer.records import Json
from tracer.wire.clean import decode_text
from tracer.wire.usage import ALIASES, BUCKETS, MEDIA, disjoint

Parse = Callable[[Json], Json]
"""Returns the field's value, or None where the attribute's value can't be understood."""

Build = Callable[[dict[str, Json]], tuple[Json, bool]]
"""Makes a field of its parts; the flag says whether every part is told by the result."""


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


# The last microsecond that both Python and PostgreSQL can name: the end of the year 9999.
MAX_MICROS: Final = 253_402_300_799_999_999

# Sums of counts have to fit PostgreSQL's bigint, and any count of tokens is far below this.
_MAX_COUNT: Final = 2**53


def text(value: Json) -> str | None:
    """Return a non-empty scalar as text."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def count(value: Json) -> int | None:
    """Return a whole number that is not negative; text that holds one counts."""
    if type(value) is int:
        return value if 0 <= value <= _MAX_COUNT else None
    number = amount(value)
    if number is None or number > _MAX_COUNT or number != number.to_integral_value():
        return None
    return int(number)


def some(value: Json) -> int | None:
    """Return a count that isn't zero, where sources name each kind of token that there could be."""
    return count(value) or None


def amount(value: Json) -> Decimal | None:
    """Return a finite number that is not negative, exactly as it was written."""
    if type(value) is int:
        return Decimal(value) if value >= 0 else None
    if not isinstance(value, (float, str)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 and number.adjusted() < 30 else None


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
    """Return any value that holds something: no empty text, list or object."""
    return None if value in ("", [], {}) else value


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
    for _ in range(_MAX_LAYERS):
        if not isinstance(value, str) or value[:1] not in _BEGINNINGS:
            break
        bare = value.strip()
        if bare == "null":
            return None
        if len(bare) < 2 or not bare[0] == bare[-1] == '"':
            break
        inner = unquoted(bare)
        if inner == bare:
            break
        value = decode_text(inner)[0] if isinstance(inner, str) else inner
    return present(value)


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


def usage_rules(prefix: str) -> tuple[Rule, ...]:
    """Return one rule for each known spelling of each bucket under ``prefix``."""
    return tuple(
        Rule("usage", prefix + alias, some if bucket in MEDIA else count, bucket, inclusive_usage)
        for bucket, aliases in ALIASES.items()
        for alias in aliases
    )


def as_object(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build an object that holds the parts by name."""
    return parts, True


def in_order(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build a list of what events tell, in the order of their places."""
    return [parts[place] for place in sorted(parts, key=int)], True


def inclusive_usage(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build usage of counts in which input and output include their parts."""
    return disjoint(parts, inclusive=True)


def inclusive_cost(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Build cost likewise; what a total has over its parts becomes ``other``."""
    return _with_other(*disjoint(parts, inclusive=True), parts.get("total"))


def _with_other(
    cost: dict[str, Decimal], complete: bool, total: Decimal | None
) -> tuple[dict[str, Decimal], bool]:
    if complete or total is None:
        return cost, complete
    rest = total - sum(cost.values())
    # Parts are often rounded one by one: a trillionth of a dollar is no cost of its own.
    if abs(rest) < Decimal("1e-12"):
        return cost, True
    return (cost | {"other": rest}, True) if rest > 0 else (cost, False)


def named_usage(value: Json) -> dict[str, int] | None:
    """Return the buckets of an object of counts, as SDKs hand them over.

    Names of their own keep their name. Only counts that stand in a provider's ``…_details`` are
    included in their whole, as the providers that report so do.
    """
    found = _by_bucket(value, count)
    return disjoint(found, inclusive=_has_details(value))[0] if found else None


def inclusive_named_usage(value: Json) -> dict[str, int] | None:
    """Return the buckets of an object of counts in which input and output include their parts."""
    found = _by_bucket(value, count)
    return disjoint(found, inclusive=True)[0] if found else None


def named_cost(value: Json) -> dict[str, Decimal] | None:
    """Return the dollars by type of an object of amounts."""
    found = _by_bucket(value, amount)
    if not found:
        return None
    return _with_other(*disjoint(found, inclusive=_has_details(value)), found.get("total"))[0]


def _has_details(value: Json) -> bool:
    return any(isinstance(part, dict) for part in value.values())


def _by_bucket(value: Json, parse: Callable[[Json], Json]) -> dict[str, Json] | None:
    if not isinstance(value, dict):
        return None
    flat: dict[str, Json] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            counts = {part: number for part, number in item.items() if number is not None}
            flat.update({f"{name}.{part}": number for part, number in counts.items()})
        elif item is not None:
            flat[name] = item
    found: dict[str, Json] = {}
    for name, item in flat.items():
        number = parse(item)
        if number is None:
            return None
        found.setdefault(BUCKETS.get(name, name), number)
    return found
