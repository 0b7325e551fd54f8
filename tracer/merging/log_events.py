"""Pure: merges events that were sent as log records into their span, in order.

A log event is a part of a patch, named ``logs.`` and its key: it is merged like any patch, and may
arrive before its span, after it, or twice. The span's own values have precedence; events set only
fields without a value. An event is an object:

- ``position``: in its request, which orders events of one nanosecond; ``size``: in bytes
- ``name``, ``time`` (ISO 8601 or None) and ``attributes``: the event without its ``fields``
- ``fields``: field of the span -> [attribute that holds the value, value]; the attribute is None
  where another field's value holds the value as well
- ``flags``: what cutting and cleaning of the values adds to the flags of the span
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, islice
from typing import Any, Final

from tracer.records import Json, SpanRecord

PREFIX: Final = "logs."
MAX_EVENTS: Final = 1_000
MAX_BYTES: Final = 16 * 1024 * 1024
LARGE: Final = ("input", "output", "tools")
FIELDS: Final = (*LARGE, "finish_reasons")
"""Fields of a span that log events may set."""
STORED_ONCE: Final = ("input", "output")
"""Fields whose column stores the values of the events."""

Parts = Mapping[str, tuple[int, Json]]
"""Version and value of each part of a patch."""

_BEYOND: Final = MAX_BYTES + 1


def key_of(time_ns: int, digest: str) -> str:
    """Return an event's key among the ``logs`` of a patch; keys sort by time."""
    return f"{time_ns:021}.{digest}"


def are_all(patch: Parts) -> bool:
    """Return whether the patch contains only log events."""
    return bool(patch) and all(name.startswith(PREFIX) for name in patch)


def within_limits(patch: dict[str, tuple[int, Json]]) -> dict[str, tuple[int, Json]]:
    """Return the patch without the events beyond the limits; the first of them stays, emptied.

    An event beyond the limits stays beyond them when others arrive, so the result does not depend
    on the order of arrival.
    """
    names = _names(patch)
    sizes = accumulate(patch[name][1]["size"] for name in names[:MAX_EVENTS])
    kept = sum(size <= MAX_BYTES for size in sizes)
    if kept == len(names):
        return patch
    first, *gone = names[kept:]
    left = {name: entry for name, entry in patch.items() if name not in set(gone)}
    version, event = left[first]
    left[first] = version, {"position": event["position"], "size": _BEYOND}
    return left


def laid_over(record: SpanRecord, patch: Parts) -> tuple[dict[str, Any], list[str]]:
    """Return the changed fields of the record, and the names of the fields that events set."""
    events = _events(patch)
    shown = [event for event in events if "name" in event]
    changed: dict[str, Any] = {}
    for field in FIELDS:
        values = [event["fields"][field][1] for event in shown if field in event["fields"]]
        if values and not _holds(record, field):
            changed[field] = _joined(values)
    filled = list(changed)
    if events:
        changed["events"] = [*record.events, *(_shown(event, filled) for event in shown)]
    flags = [flag for event in shown for flag in event.get("flags", ())]
    if len(shown) < len(events):
        flags.append("dropped")
        changed["notes"] = {**record.notes, "logs": {"kept": len(shown)}}
    if flags:
        changed["flags"] = [*dict.fromkeys((*record.flags, *flags))]
    return changed, filled


def compacted(patch: Parts, filled: Iterable[str]) -> Parts:
    """Return the patch without the large values stored in the columns of ``filled`` fields."""
    fields = [field for field in STORED_ONCE if field in filled]
    if not fields:
        return patch
    return {
        name: (version, _emptied(value, fields) if name.startswith(PREFIX) else value)
        for name, (version, value) in patch.items()
    }


def restored(patch: Parts, filled: Iterable[str], columns: Mapping[str, Json]) -> Parts:
    """Return the argument of `compacted`, given its result and the columns."""
    values: dict[str, dict[str, list[Json]]] = {}
    for field in STORED_ONCE:
        if field not in filled:
            continue
        names = [name for name in _names(patch) if field in patch[name][1].get("fields", ())]
        stored = [patch[name][1]["fields"][field] for name in names]
        parts = _taken_apart(columns[field], [size for _, size in stored])
        for name, (attribute, _), value in zip(names, stored, parts, strict=True):
            values.setdefault(name, {})[field] = [attribute, value]
    return {
        name: (version, {**event, "fields": {**event["fields"], **values[name]}})
        if name in values
        else (version, event)
        for name, (version, event) in patch.items()
    }


def _names(patch: Parts) -> list[str]:
    """Return the names of the events in their order."""
    names = [name for name in patch if name.startswith(PREFIX)]
    return sorted(
        names, key=lambda name: (name.rpartition(".")[0], patch[name][1]["position"], name)
    )


def _events(patch: Parts) -> list[dict[str, Json]]:
    return [patch[name][1] for name in _names(patch)]


def _holds(record: SpanRecord, field: str) -> bool:
    return getattr(record, field) not in (None, [])


def _joined(values: Sequence[Json]) -> Json:
    """Return a single value unchanged, and several values as one list of their items."""
    if len(values) == 1:
        return values[0]
    return list(chain(*(value if isinstance(value, list) else [value] for value in values)))


def _taken_apart(value: Json, sizes: Sequence[int | None]) -> list[Json]:
    """Return the values before they were joined; a size is a list's length, or None for no list."""
    if len(sizes) == 1:
        return [value]
    items = iter(value)
    return [next(items) if size is None else list(islice(items, size)) for size in sizes]


def _emptied(event: dict[str, Json], fields: list[str]) -> dict[str, Json]:
    """Return the event with sizes instead of the values of ``fields``."""
    sizes = {
        field: [attribute, len(value) if isinstance(value, list) else None]
        for field, (attribute, value) in event.get("fields", {}).items()
        if field in fields
    }
    return {**event, "fields": {**event["fields"], **sizes}} if sizes else event


def _shown(event: dict[str, Json], filled: list[str]) -> Json:
    """Return the event in the form of a span event; values that set no field stay in it."""
    attributes = dict(event["attributes"])
    for field, (attribute, value) in event["fields"].items():
        if attribute and field not in filled:
            attributes[attribute] = value
    return {"name": event["name"], "time": event["time"], "attributes": attributes}
