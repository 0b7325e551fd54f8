"""Measures the disk space, rate and processor time of re-sent histories."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import psycopg

from bench.agents.load import LOADS, Load, conversation, last_generation, unique_bytes
from bench.family import Family, family
from bench.figures import Figure, Sizes
from bench.load import CLIENTS, Client
from bench.pages import Page, time_page
from tracer.server.postgres import Embedded

_TABLES: Final = ("traces", "trace_payloads", "spans", "span_payload_rows", "parts")
_SIZE: Final = "SELECT sum(pg_total_relation_size(t::regclass)) FROM unnest(%s::text[]) t"
_COUNT: Final = "SELECT count(*) FROM spans"


def measure(sizes: Sizes) -> list[Figure]:
    """Send each load to a new server."""
    figures = []
    for load in LOADS:
        traces = max(1, round(load.traces * sizes.agent_share))
        conversations = [list(conversation(load, seed)) for seed in range(traces)]
        with family() as server:
            _send(server.port, [list(conversation(load, traces))])
            figures += _figures(server, load, conversations)
            figures += _reads(server, load, conversations[-1], sizes)
    return figures


def _figures(server: Family, load: Load, conversations: Sequence[Sequence[bytes]]) -> list[Figure]:
    url = Embedded(server.data_dir).url
    size_before, spans_before = _stored(url)
    cpu, started_at = server.cpu(), time.perf_counter()
    _send(server.port, conversations)
    seconds, spent = time.perf_counter() - started_at, server.cpu()
    size, spans = _stored(url)
    added = spans - spans_before
    sent = sum(len(body) for bodies in conversations for body in bodies)
    processor = spent.server - cpu.server + spent.database - cpu.database
    unique = sum(map(unique_bytes, conversations))
    name, title = f"agents_{load.name}", load.title
    return [
        Figure(f"{name}_sent", f"{title}: sent", sent / added / 1000, "kB/span"),
        Figure(f"{name}_disk", "… on disk", (size - size_before) / added / 1000, "kB/span"),
        Figure(f"{name}_unique", "… on disk / unique bytes", (size - size_before) / unique, "×"),
        Figure(f"{name}_rate", "… rate", added / seconds, "spans/s"),
        Figure(f"{name}_cpu", "… processor time", processor / added * 1e6, "µs/span"),
    ]


def _reads(server: Family, load: Load, bodies: Sequence[bytes], sizes: Sizes) -> Iterator[Figure]:
    """Yield the time to read the last call of a conversation, and the whole conversation."""
    trace_id, span_id = last_generation(bodies)
    path = f"/project/default/traces/{trace_id}"
    for name, title, address in (
        ("panel", "its last call opened", f"{path}/span?id={span_id}"),
        ("context", "the context of its last call", f"{path}/span?id={span_id}&tab=context"),
        ("transcript", "its transcript", f"{path}/transcript"),
        ("markdown", "its export as Markdown", f"{path}/export?format=markdown"),
    ):
        page = Page(f"agents_{load.name}_{name}", f"… {title}", address)
        figures, _ = time_page(server, page, max(5, sizes.page_requests // 10))
        p95 = next(figure for figure in figures if figure.name.endswith("_p95"))
        # A download has no target.
        yield replace(p95, maximum=None) if name == "markdown" else p95


def _send(port: int, conversations: Sequence[Sequence[bytes]]) -> None:
    def run(share: Sequence[Sequence[bytes]]) -> None:
        client = Client(port)
        for bodies in share:
            for body in bodies:
                client.post(body)

    threads = [
        threading.Thread(target=run, args=(conversations[number::CLIENTS],))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _stored(url: str) -> tuple[int, int]:
    """Return the bytes of the tables with their indexes, and the number of spans."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        size = connection.execute(_SIZE, [list(_TABLES)]).fetchone()
        count = connection.execute(_COUNT).fetchone()
    assert size is not None
    assert count is not None
    return int(size[0]), int(count[0])
