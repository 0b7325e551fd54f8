"""Durable ingest over HTTP, memory under it, and the same rows by raw COPY on the same database."""

from __future__ import annotations

import time
from typing import Final

import psycopg

from bench.family import Family, Scale
from bench.figures import MEGABYTE, Figure, Sizes, percentile
from bench.load import SPANS, send
from tracer.embedded import Embedded

TABLES: Final = ("spans", "span_payloads")


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Load the server, then copy what it stored into tables like its own."""
    # The first requests of a worker load prices, make connections and prepare statements.
    warm = send(server.port, sizes.warm_seconds)
    before = server.cpu()
    with Scale(server) as scale:
        sent = send(server.port, sizes.load_seconds)
    spent = [later - sooner for sooner, later in zip(before, server.cpu(), strict=True)]
    url = Embedded(server.data_dir).url
    _require_all(url, (len(warm.acks) + len(sent.acks)) * SPANS)
    seconds = max(time for time, _ in sent.acks) - min(time - took for time, took in sent.acks)
    spans = len(sent.acks) * SPANS
    rate = spans / seconds
    copied = copy_rate(url, sizes.copy_spans)
    took = [latency * 1000 for _, latency in sent.acks]
    return [
        Figure("ingest", "durable OTLP ingest", rate, "spans/s", least=12_000),
        Figure("copy", "the same rows by raw COPY", copied, "spans/s"),
        Figure("ingest_per_copy", "ingest / COPY", rate / copied, "×", least=0.25),
        Figure("ingest_p50", "a request of 100 spans, p50", percentile(took, 0.5), "ms"),
        Figure("ingest_p95", "a request of 100 spans, p95", percentile(took, 0.95), "ms"),
        Figure("ingest_p99", "a request of 100 spans, p99", percentile(took, 0.99), "ms"),
        Figure("server_cpu", "processor time, server", spent[0] / spans * 1e6, "µs/span"),
        Figure("database_cpu", "processor time, PostgreSQL", spent[1] / spans * 1e6, "µs/span"),
        Figure("client_cpu", "processor time, clients", sent.cpu_seconds / spans * 1e6, "µs/span"),
        Figure("memory_load", "memory under load (PSS)", scale.peak.pss / MEGABYTE, "MB", most=400),
        Figure("memory_load_rss", "… RSS summed", scale.peak.rss / MEGABYTE, "MB", most=400),
    ]


def _require_all(url: str, acknowledged: int) -> None:
    """Fail unless exactly what was acknowledged is stored, spans and sums alike."""
    with psycopg.connect(url) as connection:
        query = "SELECT (SELECT count(*) FROM spans), (SELECT sum(span_count) FROM traces)"
        stored = connection.execute(query).fetchone()
    if stored != (acknowledged, acknowledged):
        raise RuntimeError(f"{acknowledged} spans were acknowledged, {stored} are stored")


def copy_rate(url: str, count: int) -> float:
    """Return spans per second of one COPY for each table, in one transaction.

    The rows are the first ``count`` stored ones, as text in memory; the tables are new and have
    the same columns, constraints and indexes.
    """
    with psycopg.connect(url) as connection:
        rows = {table: _dump(connection, table, count) for table in TABLES}
        for table in TABLES:
            connection.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)".encode())
        connection.commit()
        began = time.perf_counter()
        for table in TABLES:
            with connection.cursor().copy(f"COPY bench_{table} FROM STDIN".encode()) as copy:
                for chunk in rows[table]:
                    copy.write(chunk)
        connection.commit()
        seconds = time.perf_counter() - began
        found = connection.execute("SELECT count(*) FROM bench_spans").fetchone()
        for table in TABLES:
            connection.execute(f"DROP TABLE bench_{table}".encode())
    assert found is not None
    return float(found[0]) / seconds


def _dump(connection: psycopg.Connection, table: str, count: int) -> list[bytes]:
    query = f"COPY (SELECT * FROM {table} LIMIT {count}) TO STDOUT"
    with connection.cursor().copy(query.encode()) as copy:
        text = b"".join(bytes(block) for block in copy)
    size = 256 * 1024
    return [text[start : start + size] for start in range(0, len(text), size)]
