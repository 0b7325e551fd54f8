"""Cases of each dialect: an OTLP/JSON request beside the records it has to become."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.paths import ROOT
from tests.support.wire.otlp import decode_json
from tracer.records import ScoreRecord, SpanRecord, TraceRecord
from tracer.wire.dialects import DIALECTS

CASES = sorted((ROOT / "tests" / "wire" / "cases").glob("*.json"))


UNSHOWN = ("claimed", "process", "first")
"""The names missing from the attributes; a hash of the resource; the start of a span above."""


def sent_fields(record: SpanRecord | TraceRecord | ScoreRecord) -> dict[str, Any]:
    """Return the fields of a record that differ from their defaults, as JSON, without `claimed`."""
    fields = {field.name: field for field in msgspec.structs.fields(type(record))}
    empty: tuple[Any, ...] = (None, {}, [])
    built = msgspec.to_builtins(record)
    return {
        name: value
        for name, value in built.items()
        if name not in UNSHOWN and value not in empty and value != fields[name].default
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_becomes_the_records_beside_it(path: Path) -> None:
    case = json.loads(path.read_text())
    decoded = decode_json(case["otlp"])
    assert decoded.item_errors == []
    assert [sent_fields(span) for span in decoded.batch.spans] == case["spans"]
    assert [sent_fields(trace) for trace in decoded.batch.traces] == case.get("traces", [])
    assert [sent_fields(score) for score in decoded.batch.scores] == case.get("scores", [])


def test_every_dialect_has_five_cases() -> None:
    counts = Counter(path.stem.partition("-")[0] for path in CASES)
    names = {dialect.name for dialect in DIALECTS} - {"general"}
    assert len(names) > 20
    assert {name for name in names if counts[name] < 5} == set()
