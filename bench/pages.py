"""How long pages take for a trace of 100 spans and for a large one, and how much they send."""

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
    """One address to measure; fragments are asked for as htmx does."""

    name: str
    title: str
    path: str
    fragment: bool = False


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Send both traces and what fills a list, then time each page of each."""
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
    for one, other in zip(small, large, strict=True):
        below, p50 = time_page(server, one, sizes.page_requests, SMALL)
        above, p50_large = time_page(server, other, sizes.page_requests, sizes.large_trace)
        title = f"{one.title}, {sizes.large_trace:,} / {SMALL} spans"
        ratio = Figure(f"{one.name}_growth", title, p50_large / p50, "×", most=2)
        figures += [*below, *above, ratio]
    return figures


def _lists() -> list[Page]:
    return [
        Page("list", "trace list", "/project/default/traces"),
        Page("api_list", "API list", "/api/v1/traces"),
    ]


def _pages(server: Family, trace: Trace) -> list[Page]:
    """Return the pages of a trace that `large_trace` made."""
    root, fan, *_ = trace.spans
    inside = [span for span in trace.spans if span.parent_span_id == fan.span_id]
    middle = inside[len(inside) // 2].span_id.hex()
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
    """Return the query of the rows after the first of the children of ``parent``."""
    path = f"/api/v1/traces/{trace.trace_id.hex()}/spans?parent={parent}&limit=1"
    cursor = json.loads(server.get(path)[0])["next_cursor"]
    return f"parent={parent}&after={quote(cursor)}"


def time_page(
    server: Family, page: Page, count: int, spans: int | None = None
) -> tuple[list[Figure], float]:
    """Return the percentiles and the size of a page, and its p50 in milliseconds."""
    headers = _FRAGMENT if page.fragment else {}
    took = []
    for _ in range(_WARM_REQUESTS + count):
        began = time.perf_counter()
        body, packed = server.get(page.path, headers)
        took.append((time.perf_counter() - began) * 1000)
    # Each worker reads templates and plans statements once.
    took = took[_WARM_REQUESTS:]
    size = len(body if packed else gzip.compress(body)) / 1000
    suffix = "" if spans is None else f"_{spans}"
    title = page.title if spans is None else f"{page.title}, {spans:,} spans"
    p50, p95, p99 = (percentile(took, share) for share in (0.5, 0.95, 0.99))
    figures = [
        Figure(f"{page.name}{suffix}_p50", f"{title}, p50", p50, "ms"),
        Figure(f"{page.name}{suffix}_p95", f"{title}, p95", p95, "ms", most=100),
        Figure(f"{page.name}{suffix}_p99", f"{title}, p99", p99, "ms"),
        Figure(f"{page.name}{suffix}_size", f"{title}, gzipped", size, "kB"),
    ]
    return figures, p50


def _send(server: Family, count: int) -> tuple[Trace, float]:
    """Send one trace of ``count`` spans through the front door; return it and spans per second."""
    trace = large_trace(count)
    bodies = [request.SerializeToString() for request in requests([trace], _REQUEST_SPANS)]
    client = Client(server.port)
    began = time.perf_counter()
    for body in bodies:
        client.post(body)
    return trace, count / (time.perf_counter() - began)


def large_trace(count: int) -> Trace:
    """Return a trace of ``count`` spans: half of them, or 88 at least, below one parent.

    The rest hangs below nine others, up to six levels deep.
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
    """Make ``count`` spans below the open one."""
    if depth == _DEPTH:
        for number in range(count):
            with trace.span("tool", _io("row", number)):
                trace.wait(0.001)
        return
    for share in _shares(count, min(count, _BRANCH)):
        with trace.span("group", _io("group", share)):
            _nest(trace, share - 1, depth + 1)


def _shares(count: int, parts: int) -> Iterator[int]:
    """Yield ``parts`` whole numbers that differ by one at most and add up to ``count``."""
    for number in range(parts):
        yield count // parts + (number < count % parts)


def _io(what: str, number: int) -> Attributes:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": what,
        "gen_ai.tool.call.arguments": json.dumps({what: number}),
        "gen_ai.tool.call.result": json.dumps({"ok": True, "rows": number}),
    }
