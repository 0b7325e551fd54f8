"""Pages of a small and a large trace: latency and response size."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote

from bench.family import Family
from bench.figures import Figure, Sizes, percentile
from bench.load import Client, Template
from tracer.demo.otlp import Attributes, Trace, requests

SMALL: Final = 100
_STEPS: Final = 10
_BRANCH: Final = 25
_DEPTH: Final = 5
_REQUEST_SPANS: Final = 2_000
_WARM_REQUESTS: Final = 10
_FRAGMENT: Final = {"HX-Request": "true", "HX-Request-Type": "partial"}


class Page(NamedTuple):
    """A URL to measure; ``fragment``: requested with the headers of htmx."""

    name: str
    title: str
    path: str
    fragment: bool = False


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Send both traces and others for the lists, then measure each page."""
    fill, template = Client(server.port), Template(0)
    for _ in range(20):
        fill.post(template.fresh())
    figures = []
    for page in _lists():
        figures += time_page(server, page, sizes.page_requests)[0]
    small = _pages(server, _send(server, SMALL)[0])
    large_trace, rate = _send(server, sizes.large_trace)
    large = _pages(server, large_trace)
    figures.append(
        Figure("ingest_one_trace", f"ingest, one trace of {sizes.large_trace:,}", rate, "spans/s")
    )
    for small_page, large_page in zip(small, large, strict=True):
        small_figures, p50 = time_page(server, small_page, sizes.page_requests, SMALL)
        large_figures, p50_large = time_page(
            server, large_page, sizes.page_requests, sizes.large_trace
        )
        title = f"{small_page.title}, {sizes.large_trace:,} / {SMALL} spans"
        ratio = Figure(f"{small_page.name}_growth", title, p50_large / p50, "×", maximum=2)
        figures += [*small_figures, *large_figures, ratio]
    return figures


def _lists() -> list[Page]:
    return [
        Page("list", "trace list", "/project/default/traces"),
        Page("api_list", "API list", "/api/v1/traces"),
    ]


def _pages(server: Family, trace: Trace) -> list[Page]:
    """Return the pages of a trace from `large_trace`."""
    root, fan, *_ = trace.spans
    children = [span for span in trace.spans if span.parent_span_id == fan.span_id]
    middle = children[len(children) // 2].span_id.hex()
    path = f"/project/default/traces/{trace.trace_id.hex()}"
    start, end = root.start_time_unix_nano // 1000, root.end_time_unix_nano // 1000
    axis = f"depth=2&t={start}-{end}-d"
    cursor = _middle_cursor(server, trace, fan.span_id.hex())
    return [
        Page("trace", "trace page", path),
        Page("jump", "trace page at a span", f"{path}?span={middle}"),
        Page("children", "child rows", f"{path}/spans?parent={fan.span_id.hex()}&{axis}", True),
        Page("next", "next child rows", f"{path}/spans?{cursor}&{axis}", True),
        Page("panel", "span panel", f"{path}/span?id={middle}", True),
    ]


def _middle_cursor(server: Family, trace: Trace, parent: str) -> str:
    """Return the query for the child rows of ``parent`` after the first one."""
    path = f"/api/v1/traces/{trace.trace_id.hex()}/spans?parent={parent}&limit=1"
    cursor = json.loads(server.get(path)[0])["next_cursor"]
    return f"parent={parent}&after={quote(cursor)}"


def time_page(
    server: Family, page: Page, count: int, spans: int | None = None
) -> tuple[list[Figure], float]:
    """Return the percentiles and the size of a page, and its p50 in milliseconds."""
    headers = _FRAGMENT if page.fragment else {}
    latencies = []
    for _ in range(_WARM_REQUESTS + count):
        started_at = time.perf_counter()
        body, compressed = server.get(page.path, headers)
        latencies.append((time.perf_counter() - started_at) * 1000)
    # Without the warm-up, in which workers load templates and plan statements.
    latencies = latencies[_WARM_REQUESTS:]
    size = len(body if compressed else gzip.compress(body)) / 1000
    suffix = "" if spans is None else f"_{spans}"
    title = page.title if spans is None else f"{page.title}, {spans:,} spans"
    p50, p95, p99 = (percentile(latencies, share) for share in (0.5, 0.95, 0.99))
    figures = [
        Figure(f"{page.name}{suffix}_p50", f"{title}, p50", p50, "ms"),
        Figure(f"{page.name}{suffix}_p95", f"{title}, p95", p95, "ms", maximum=100),
        Figure(f"{page.name}{suffix}_p99", f"{title}, p99", p99, "ms"),
        Figure(f"{page.name}{suffix}_size", f"{title}, gzipped", size, "kB"),
    ]
    return figures, p50


def _send(server: Family, count: int) -> tuple[Trace, float]:
    """Send one trace of ``count`` spans over HTTP; return it and the spans per second."""
    trace = large_trace(count)
    bodies = [request.SerializeToString() for request in requests([trace], _REQUEST_SPANS)]
    client = Client(server.port)
    started_at = time.perf_counter()
    for body in bodies:
        client.post(body)
    return trace, count / (time.perf_counter() - started_at)


def large_trace(count: int) -> Trace:
    """Return a trace of ``count`` spans: half of them, at least 88, below one parent.

    The other spans are below nine other parents, up to six levels deep.
    """
    trace = Trace(time.time() - 600, {"service.name": "bench"}, "bench")
    with trace.span("invoke_agent import", {"gen_ai.operation.name": "invoke_agent"}):
        fan = max((count - _STEPS) // 2, 88)
        with trace.span("read_files", _io("step", 0)):
            for number in range(fan):
                with trace.span("read_file", _io("file", number)):
                    trace.wait(0.001)
        shares = _shares(count - 2 - fan, _STEPS - 1)
        for number, share in enumerate(shares):
            with trace.span(f"step {number}", _io("step", number)):
                _nest(trace, share - 1, 1)
    return trace


def _nest(trace: Trace, count: int, depth: int) -> None:
    """Create ``count`` spans below the open span."""
    if depth == _DEPTH:
        for number in range(count):
            with trace.span("tool", _io("row", number)):
                trace.wait(0.001)
        return
    for share in _shares(count, min(count, _BRANCH)):
        with trace.span("group", _io("group", share)):
            _nest(trace, share - 1, depth + 1)


def _shares(count: int, parts: int) -> Iterator[int]:
    """Yield ``parts`` integers that differ by at most one and add up to ``count``."""
    for number in range(parts):
        yield count // parts + (number < count % parts)


def _io(tool: str, number: int) -> Attributes:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.tool.call.arguments": json.dumps({tool: number}),
        "gen_ai.tool.call.result": json.dumps({"ok": True, "rows": number}),
    }
