"""The trace page with small and million-span traces of four shapes: every user action."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import psycopg

from bench.family import Family, PeakMemory
from bench.figures import MEGABYTE, Figure, Sizes
from bench.load import Client
from bench.pages import SMALL, Page, time_page
from tracer.demo.otlp import Trace, requests
from tracer.server.postgres import Embedded

_HITS: Final = 100
"""Spans that contain the same word, in a trace of any size."""
_CHAINS: Final = 100
_ROOTS: Final = 1_000
_STEP: Final = 1_000
"""Microseconds between the starts of consecutive spans."""
_TIMEOUT_SECONDS: Final = 600
Parents = Iterator[int | None]
"""The parent's number of each span except the first; None: a root."""


def _agent(count: int) -> Parents:
    """Yield the parents of a tree whose spans have 4 to 20 children each, level by level."""
    total, parent = 1, 0
    while total < count:
        for _ in range(min(4 + parent * 7 % 17, count - total)):
            yield parent
            total += 1
        parent += 1


def _wide(count: int) -> Parents:
    """Yield the parents of a tree with all spans below one root."""
    yield from (0 for _ in range(1, count))


def _deep(count: int) -> Parents:
    """Yield the parents of a tree with 100 chains below one root."""
    length = max((count - 1) // _CHAINS, 1)
    yield from (n - 1 if (n - 1) % length else 0 for n in range(1, count))


def _roots(count: int) -> Parents:
    """Yield the parents of 1,000 roots with equally many children."""
    length = max(count // _ROOTS, 2)
    yield from (n // length * length if n % length else None for n in range(1, count))


class StoredTrace(NamedTuple):
    """A stored trace: its id, its first span's id, and the parent of each span by number."""

    trace_id: str
    root: str
    parents: list[int | None]

    @property
    def words(self) -> int:
        """Number of distinct words, so that each is in about `_HITS` spans."""
        return max(len(self.parents) // _HITS, 1)

    def span_id(self, number: int) -> str:
        """Return the id of a span."""
        return f"{number:016x}" if number else self.root


SHAPES: Final[dict[str, Callable[[int], Parents]]] = {
    "agent": _agent,
    "wide": _wide,
    "deep": _deep,
    "roots": _roots,
}

_POSITIONS: Final = """
    CREATE TEMP TABLE positions (number INT PRIMARY KEY, parent INT, start_us BIGINT)
    ON COMMIT DROP
"""
_SPANS: Final = """
    INSERT INTO spans ({names}) SELECT {values}
    FROM positions b
    CROSS JOIN (SELECT * FROM spans WHERE trace_id = %(trace)s LIMIT 1) s
    ORDER BY b.number
"""
_PAYLOADS: Final = """
    INSERT INTO span_payload_rows ({names}) SELECT {values}
    FROM positions b
    CROSS JOIN (SELECT * FROM span_payload_rows WHERE trace_id = %(trace)s LIMIT 1) s
    ORDER BY b.number
"""
_TOTAL: Final = """
    UPDATE traces SET span_count = %(count)s, end_time = start_time + %(length)s * interval '1 us'
    WHERE trace_id = %(trace)s
"""
_ID: Final = "lpad(to_hex({}), 16, '0')"
_VALUES: Final = {
    "span_id": _ID.format("b.number"),
    "parent_span_id": f"CASE WHEN b.parent = 0 THEN %(root)s ELSE {_ID.format('b.parent')} END",
    "name": "'step ' || b.number %% 7",
    "start_time": "s.start_time + b.start_us * interval '1 us'",
    "end_time": "s.start_time + (b.start_us + 900) * interval '1 us'",
    "first_token_time": "NULL",
    "level": "CASE WHEN b.number %% 1000 = 7 THEN 'error' ELSE 'default' END",
    "status": "CASE WHEN b.number %% 1000 = 7 THEN 'error' ELSE 'completed' END",
    "input": "to_jsonb('look at needle' || b.number %% %(words)s)",
}
_DONE: Final = """
    SELECT count(*) FROM analyses WHERE trace_id = %s AND analysed = revision
"""


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Store each shape in two sizes, and measure the user actions on both."""
    figures = []
    for shape, parents in SHAPES.items():
        small = _make(server, shape, parents, SMALL)
        large = _make(server, shape, parents, sizes.tree_spans)
        figures += _derived(server, shape, large.trace_id, sizes.tree_spans)
        before = server.memory().pss
        with PeakMemory(server) as memory:
            pairs = zip(_pages(server, shape, small), _pages(server, shape, large), strict=True)
            for small_page, large_page in pairs:
                small_figures, p50 = time_page(server, small_page, sizes.page_requests, SMALL)
                large_figures, p50_large = time_page(
                    server, large_page, sizes.page_requests, sizes.tree_spans
                )
                title = f"{small_page.title}, {sizes.tree_spans:,} / {SMALL} spans"
                growth = Figure(f"{small_page.name}_growth", title, p50_large / p50, "×", maximum=2)
                figures += [*_selected(small_figures), *_selected(large_figures), growth]
        memory_growth = max(memory.peak.pss - before, 0) / MEGABYTE
        title = f"{shape}: growth of memory over all of these"
        figures.append(Figure(f"tree_{shape}_memory", title, memory_growth, "MB", maximum=64))
    return figures


def _selected(figures: list[Figure]) -> list[Figure]:
    """Return only p95 and size, to keep the table short."""
    sizes = [
        Figure(figure.name, figure.title, figure.value, figure.unit, maximum=60)
        for figure in figures
        if figure.name.endswith("_size")
    ]
    return [figure for figure in figures if figure.name.endswith("_p95")] + sizes


def _make(server: Family, shape: str, parents: Callable[[int], Parents], count: int) -> StoredTrace:
    """Store a trace of ``count`` spans.

    One span is sent over HTTP and multiplied in the database; a last span is sent afterwards, so
    that the server processes a change of the large trace.
    """
    trace = Trace(time.time() - 3_600, {"service.name": "bench"}, "bench")
    with trace.span(f"a trace, {shape}", {"gen_ai.operation.name": "execute_tool"}):
        trace.wait(count * _STEP / 1e6)
    last = Trace(time.time() - 3_600, {"service.name": "bench"}, "bench")
    with last.span("the last", {"gen_ai.operation.name": "execute_tool"}):
        last.wait(0.001)
    last.trace_id = trace.trace_id
    root = trace.spans[0].span_id
    last.spans[0].trace_id, last.spans[0].parent_span_id = trace.trace_id, root
    client = Client(server.port)
    client.post(next(requests([trace], 10)).SerializeToString())
    stored = StoredTrace(trace.trace_id.hex(), root.hex(), [None, *parents(count - 1)])
    _multiply(server, stored)
    client.post(next(requests([last], 10)).SerializeToString())
    return stored


def _multiply(server: Family, stored: StoredTrace) -> None:
    parents = stored.parents
    parameters = {"trace": stored.trace_id, "root": stored.root, "words": stored.words}
    with psycopg.connect(Embedded(server.data_dir).url) as connection:
        connection.execute(_POSITIONS)
        with connection.cursor().copy("COPY positions FROM STDIN") as copy:
            for number, parent in enumerate(parents[1:], 1):
                copy.write_row((number, parent, number * _STEP))
        for query, table in ((_SPANS, "spans"), (_PAYLOADS, "span_payload_rows")):
            names = _columns(connection, table)
            values = ", ".join(_VALUES.get(name, f"s.{name}") for name in names)
            statement = query.format(names=", ".join(names), values=values)
            connection.execute(statement.encode(), parameters)
        sizes = {"count": len(parents), "length": (len(parents) + 1) * _STEP}
        connection.execute(_TOTAL, {**parameters, **sizes})
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE spans, span_payload_rows")


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    query = f"SELECT * FROM {table} LIMIT 0"
    return [column.name for column in connection.execute(query.encode()).description or ()]


def _derived(server: Family, shape: str, trace_id: str, count: int) -> list[Figure]:
    """Wait for the derived data of the trace; return the waiting times."""
    began = time.perf_counter()
    with psycopg.connect(Embedded(server.data_dir).url, autocommit=True) as connection:
        _await(lambda: connection.execute(_DONE, [trace_id]).fetchone() == (1,))
    summed = time.perf_counter() - began
    log = f"/project/default/traces/{trace_id}/log.json"
    began = time.perf_counter()
    _await(lambda: json.loads(_text(server, log))["data"] is not None)
    ordered = time.perf_counter() - began
    suffix = f"of {count:,} spans, there after"
    return [
        Figure(
            f"tree_{shape}_sums", f"{shape}: sums and findings {suffix}", summed, "s", maximum=30
        ),
        Figure(f"tree_{shape}_log", f"{shape}: log and search {suffix}", ordered, "s"),
    ]


def _await(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError("the derived data of a large trace was not complete in time")
        time.sleep(0.1)


def _pages(server: Family, shape: str, stored: StoredTrace) -> list[Page]:
    """Return the pages of all user actions, for a span in the middle of the trace."""
    base, api = f"/project/default/traces/{stored.trace_id}", f"/api/v1/traces/{stored.trace_id}"
    number = len(stored.parents) // 2
    # A root has no parent that could be opened.
    number += stored.parents[number] is None
    middle, parent = stored.span_id(number), stored.span_id(stored.parents[number] or 0)
    axis = _text(server, base).partition('name="t" value="')[2].partition('"')[0]
    rows = f"{base}/spans?depth=1&t={axis}"
    # Of the deep shape, only the level of the chain starts has a second page.
    level = {"roots": "", "agent": f"&parent={parent}"}.get(shape, f"&parent={stored.root}")
    cursor = json.loads(_text(server, f"{api}/spans?limit=1{level}"))["next_cursor"] or ""
    word = f"needle{number % stored.words}"
    name = f"tree_{shape}"
    return [
        Page(name, f"{shape}: first paint", base),
        Page(f"{name}_open", f"{shape}: a node opened", f"{rows}&parent={parent}", True),
        Page(f"{name}_next", f"{shape}: next 100", f"{rows}&after={quote(cursor)}{level}", True),
        Page(f"{name}_jump", f"{shape}: a span by its address", f"{base}?span={middle}"),
        Page(f"{name}_search", f"{shape}: search", f"{base}/log?q={word}"),
        Page(f"{name}_hit", f"{shape}: next hit", f"{base}?q={word}&span={middle}"),
        Page(f"{name}_tools", f"{shape}: lens of tools, of all spans", f"{base}?lens=tools"),
        Page(f"{name}_errors", f"{shape}: lens of errors", f"{base}?lens=errors"),
    ]


def _text(server: Family, path: str) -> str:
    body, packed = server.get(path)
    return (gzip.decompress(body) if packed else body).decode()
