"""What an instrumentation sent, made small and the same everywhere, for tests to replay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.paths import ROOT

RECORDED: Final = ROOT / "tests" / "wire" / "recorded"
_START: Final = 1_767_225_600_000_000_000
"""Nanoseconds: 2026-01-01T00:00:00Z, where every recording starts."""
_RESOURCE: Final = ("service.name", "telemetry.sdk.language", "telemetry.sdk.name")
_ADDRESS: Final = re.compile(r"127\.0\.0\.1:\d+")
_FRAME: Final = re.compile(r'File \\"[^"]*/')
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_MEMORY: Final = re.compile(r"\b0x[0-9a-f]{8,16}\b")
_IDS: Final = {"traceId": 32, "spanId": 16, "parentSpanId": 16}

_TIMES: Final = (
    "startTimeUnixNano",
    "endTimeUnixNano",
    "timeUnixNano",
    "observedTimeUnixNano",
)

Group = dict[str, Any]


class Names(NamedTuple):
    """What a signal's groups are called in OTLP/JSON."""

    scopes: str
    items: str


SPANS: Final = Names("scopeSpans", "spans")
LOGS: Final = Names("scopeLogs", "logRecords")


def spans_of(groups: list[Group]) -> Iterator[dict[str, Any]]:
    """Yield the spans of OTLP/JSON's ``resourceSpans``."""
    return _items(groups, SPANS)


def _items(groups: list[Group], names: Names) -> Iterator[dict[str, Any]]:
    for group in groups:
        for scoped in group[names.scopes]:
            yield from scoped[names.items]


def write(name: str, versions: dict[str, str], spans: list[Group], logs: list[Group]) -> Path:
    """Write the recording of a case and return its path."""
    spans, logs = normalised(spans, logs)
    recording = {"packages": versions, "otlp": {"resourceSpans": spans}}
    if logs:
        recording["logs"] = {"resourceLogs": logs}
    RECORDED.mkdir(exist_ok=True)
    path = RECORDED / f"{name}.json"
    path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n")
    return path


def normalised(spans: list[Group], logs: list[Group]) -> tuple[list[Group], list[Group]]:
    """Return the groups with counted ids, times from a fixed start, and nothing of the machine."""
    text = json.dumps([_merged(spans, SPANS), _merged(logs, LOGS)])
    text = _ADDRESS.sub("127.0.0.1:8000", text)
    text = _FRAME.sub('File \\"', text)
    text = _MEMORY.sub("0x0", text)
    numbers: dict[str, str] = {}
    text = _UUID.sub(
        lambda match: numbers.setdefault(match[0], f"00000000-0000-4000-8000-{len(numbers):012x}"),
        text,
    )
    merged: tuple[list[Group], list[Group]] = json.loads(text)
    items = [*spans_of(merged[0]), *_items(merged[1], LOGS)]
    first = min(int(item["startTimeUnixNano"]) for item in items if "startTimeUnixNano" in item)
    ids: dict[str, str] = {}
    for item in items:
        _count_ids(item, ids)
        for event in item.get("events", []):
            _shift(event, first)
        for link in item.get("links", []):
            _count_ids(link, ids)
        _shift(item, first)
        _forget_machine(item)
    return merged


def _merged(groups: list[Group], names: Names) -> list[Group]:
    """Return one group for each resource and in it one for each scope."""
    resources: dict[str, tuple[Group, dict[str, Group]]] = {}
    for group in groups:
        attributes = group.get("resource", {}).get("attributes", [])
        kept = [pair for pair in attributes if pair["key"] in _RESOURCE]
        resource, scopes = resources.setdefault(
            json.dumps(kept), ({"resource": {"attributes": kept}, names.scopes: []}, {})
        )
        for scoped in group[names.scopes]:
            scope = scoped.get("scope", {})
            into = scopes.setdefault(json.dumps(scope), {"scope": scope, names.items: []})
            into[names.items] += scoped[names.items]
        resource[names.scopes] = list(scopes.values())
    return [resource for resource, _ in resources.values()]


def _count_ids(holder: dict[str, Any], ids: dict[str, str]) -> None:
    for field, length in _IDS.items():
        if sent := holder.get(field):
            holder[field] = ids.setdefault(sent, f"{len(ids) + 1:0{length}x}")


def _shift(holder: dict[str, Any], first: int) -> None:
    for field in _TIMES:
        if int(holder.get(field, 0)):
            holder[field] = str(int(holder[field]) - first + _START)


def _forget_machine(span: dict[str, Any]) -> None:
    holders = [span, *span.get("events", [])]
    for holder in holders:
        for pair in holder.get("attributes", []):
            if pair["key"] == "server.port":
                pair["value"] = {"intValue": "8000"}
            # Stacks are long, and hold the paths of one machine.
            if pair["key"].endswith(("stacktrace", "stack_trace")):
                pair["value"] = {"stringValue": "Traceback"}
