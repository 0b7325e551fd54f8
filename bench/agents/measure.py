"""Measures the disk space, rate and processor time of histories that are sent again."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

import psycopg

from bench.agents.load import LOADS, Load, conversation
from bench.family import Family, family
from bench.figures import Figure, Sizes
from bench.load import CLIENTS, Client
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
    name, title = f"agents_{load.name}", load.title
    return [
        Figure(f"{name}_sent", f"{title}: sent", sent / added / 1000, "kB/span"),
        Figure(f"{name}_disk", "… on disk", (size - size_before) / added / 1000, "kB/span"),
        Figure(f"{name}_rate", "… rate", added / seconds, "spans/s"),
        Figure(f"{name}_cpu", "… processor time", processor / added * 1e6, "µs/span"),
    ]


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
