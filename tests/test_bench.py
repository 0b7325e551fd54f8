"""The bench measures what is documented, and its load has the documented shape."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench import exports, tree
from bench.__main__ import NAMES as ALL
from bench.agents.load import LOADS
from bench.figures import Figure, number, percentile
from bench.load import SPANS, TRACES, Template
from bench.many.block import Block
from bench.many.check import differences
from bench.many.fill import fill
from bench.mapping import CASES
from bench.pages import large_trace
from bench.report import BEGIN, END, write_docs
from tests.support.paths import ROOT
from tests.support.serving import environ
from tracer.config import Config
from tracer.server.bootstrap import bootstrap
from tracer.server.migrations import upgrade
from tracer.wire.dialects import DIALECTS

NAMES = {
    *("cold_start", "memory_idle", "memory_idle_rss"),
    *("ingest", "copy", "ingest_per_copy", "disk", "memory_load", "memory_load_rss"),
    *("langfuse", "langfuse_p95", "langfuse_otlp", "langfuse_per_otlp"),
    *(
        f"agents_{load.name}_{part}"
        for load in LOADS
        for part in ("sent", "disk", "unique", "rate", "cpu")
    ),
    *(
        f"agents_{load.name}_{page}_p95"
        for load in LOADS
        for page in ("panel", "context", "transcript", "markdown")
    ),
    *("server_cpu", "database_cpu", "client_cpu"),
    *("sdk_observed", "sdk_observed_bare", "sdk_generation", "sdk_generation_bare"),
    *("sdk_memory", "sdk_import", "sdk_import_bare"),
    *("ingest_p50", "ingest_p95", "ingest_p99", "ingest_one_trace"),
}
MAPPED = {dialect.name for dialect in DIALECTS if any(CASES.glob(f"{dialect.name}-*.json"))}
PAGES = ("trace", "jump", "children", "next", "panel")
EXPORTED = {f"export_{name}{part}" for name in exports.FORMATS for part in ("", "_size", "_memory")}
PARTS = ("p50", "p95", "p99", "size")


def quick_run(path: Path, *names: str) -> tuple[Any, str]:
    """Measure these small; return the JSON and what was printed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "--quick", "--json", str(path)),
            *(f"--only={name}" for name in names),
        ],
        cwd=ROOT,
        env=environ(),
        capture_output=True,
        text=True,
        timeout=1_800,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(path.read_text())
    assert all(
        figure["value"] > 0
        for name, figure in report["figures"].items()
        # Of a small trace memory does not grow at all.
        if name != "client_cpu" and not name.endswith("_memory")
    )
    return report, done.stdout


def test_a_quick_run_prints_and_writes_the_figures_that_were_asked_for(tmp_path: Path) -> None:
    report, printed = quick_run(tmp_path / "figures.json", "mapping", "sdk", "export")
    assert len(MAPPED) > 10
    sdk = {name for name in NAMES if name.startswith("sdk_")}
    assert set(report["figures"]) == EXPORTED | sdk | {f"mapping_{name}" for name in MAPPED}
    assert report["machine"]["cores"] >= 1
    assert "spans/s" in printed


@pytest.mark.slow
def test_a_quick_run_measures_every_figure(tmp_path: Path) -> None:
    report, printed = quick_run(tmp_path / "figures.json", *(n for n in ALL if n != "tree"))
    assert len(MAPPED) > 10
    expected = NAMES | EXPORTED | {f"mapping_{name}" for name in MAPPED}
    expected |= {f"{page}_{part}" for page in ("list", "api_list") for part in PARTS}
    for page in PAGES:
        expected |= {f"{page}_{spans}_{part}" for spans in (100, 2000) for part in PARTS}
        expected.add(f"{page}_growth")
    assert set(report["figures"]) == expected
    assert report["machine"]["cores"] >= 1
    assert len(
        [line for line in printed.splitlines() if " p95" in line]
    ) == 2 + 2 + 2 * 5 + 4 * len(LOADS)


@pytest.mark.slow
def test_a_quick_run_measures_each_action_on_a_large_trace(tmp_path: Path) -> None:
    report, _ = quick_run(tmp_path / "figures.json", "tree")
    expected = set()
    for shape in tree.SHAPES:
        expected |= {f"tree_{shape}_{part}" for part in ("sums", "log", "memory")}
        for act in ("", "_open", "_next", "_jump", "_search", "_hit", "_tools", "_errors"):
            name = f"tree_{shape}{act}"
            expected |= {f"{name}_{spans}_{p}" for spans in (100, 3000) for p in ("p95", "size")}
            expected.add(f"{name}_growth")
    assert set(report["figures"]) == expected


@pytest.mark.parametrize("shape", tree.SHAPES)
@pytest.mark.parametrize("count", [100, 3_000])
def test_each_shape_has_the_number_of_spans_that_was_requested(shape: str, count: int) -> None:
    parents = [None, *tree.SHAPES[shape](count)]
    assert len(parents) == count
    assert all(parent is None or parent < number for number, parent in enumerate(parents))
    roots = sum(parent is None for parent in parents)
    assert roots == {"roots": min(count // 2, 1_000)}.get(shape, 1)


def _spans(body: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        span
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def test_each_body_has_new_traces() -> None:
    template = Template(3)
    first, second = _spans(template.fresh()), _spans(template.fresh())
    assert len(first) == len(second) == SPANS
    assert len({span.trace_id for span in first + second}) == 2 * TRACES
    assert [span.name for span in first] == [span.name for span in second]
    payload = sum(len(a.value.string_value) for span in first for a in span.attributes)
    assert 800 <= payload / SPANS <= 1300


@pytest.mark.parametrize("count", [100, 101, 2_000, 12_345])
def test_the_large_trace_has_the_number_of_spans_that_was_requested(count: int) -> None:
    spans = large_trace(count).spans
    assert len(spans) == count == len({span.span_id for span in spans})
    below = [span for span in spans if span.parent_span_id == spans[1].span_id]
    assert len(below) == max((count - 10) // 2, 88)


def test_a_verdict_compares_with_the_target() -> None:
    assert Figure("a", "a", 3, "s", maximum=3).ok is True
    assert Figure("a", "a", 3.1, "s", maximum=3).ok is False
    assert Figure("a", "a", 2, "s", minimum=3).ok is False
    assert Figure("a", "a", 2, "s").ok is None
    assert (number(12_345.6), number(0.12345), number(99.94)) == ("12,346", "0.123", "99.9")
    assert (percentile([4, 1, 3, 2], 0.5), percentile([4, 1, 3, 2], 0.99)) == (3, 4)


def test_writing_the_figures_keeps_the_rest_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    machine = {
        **{"cores": 2, "processor": "x", "memory_gb": 8, "system": "Linux", "python": "3.11"},
        **{"postgresql": 18, "tracer": "0", "load_before": 0.1},
    }
    write_docs(page, [Figure("a", "speed", 5, "spans/s", minimum=4)], machine)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}")
    assert text.endswith(f"{END}\nafter\n")
    assert "| speed | 5 spans/s | ≥ 4 | met |" in text
    assert "old" not in text
    page.write_text("no marks")
    with pytest.raises(ValueError, match="lacks the markers"):
        write_docs(page, [], machine)


@pytest.mark.slow
def test_copies_of_generated_traces_have_the_sums_of_a_recount(bare_url: str) -> None:
    upgrade(bare_url)
    bootstrap(Config(database_url=bare_url))
    fill(bare_url, Block(150, 4, 5.0))  # raises where a sum differs
    with psycopg.connect(bare_url) as connection:
        counts = connection.execute("""
            SELECT count(*), count(DISTINCT user_id) > 4, (SELECT count(*) FROM trace_words),
                (SELECT count(*) FROM spans) = sum(span_count)
            FROM traces
        """).fetchone()
        assert counts == (600, True, 600, True)
        connection.execute("UPDATE users SET trace_count = trace_count + 1")
        assert [line.partition(":")[0] for line in differences(connection)] == ["users"]


def test_traces_are_generated_or_copied_as_many_as_were_requested() -> None:
    assert Block.of(10_000, 20) == Block(10_000, 1, 20)
    assert Block.of(1_000_000, 20) == Block(25_000, 40, 20)
