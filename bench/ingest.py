"""Durable OTLP ingestion over HTTP with its memory, compared with raw COPY of the same rows."""

from __future__ import annotations

import time
from statistics import median
from typing import Final, NamedTuple

import psycopg

from bench.family import Family, PeakMemory
from bench.figures import MEGABYTE, Figure, Sizes, percentile
from bench.load import SPANS, Sent, send
from tracer.server.postgres import Embedded

TABLES: Final = ("spans", "span_payload_rows", "parts")
_SIZE: Final = """
    SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


class Round(NamedTuple):
    """A period of load, and the COPY right after it, under about the same other load."""

    sent: Sent
    server_seconds: float
    database_seconds: float
    copy_rate: float

    @property
    def rate(self) -> float:
        """Spans acknowledged per second."""
        began = min(acknowledged - latency for acknowledged, latency in self.sent.acks)
        ended = max(acknowledged for acknowledged, _ in self.sent.acks)
        return len(self.sent.acks) * SPANS / (ended - began)


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Run several rounds of load, each followed by a COPY of the stored rows into new tables."""
    # Warm-up: the first requests of a worker load prices, connect and prepare statements.
    stored = len(send(server.port, sizes.warm_seconds).acks) * SPANS
    url = Embedded(server.data_dir).url
    rounds = []
    with PeakMemory(server) as memory:
        for _ in range(sizes.rounds):
            rounds.append(_round(server, url, sizes))
            stored += len(rounds[-1].sent.acks) * SPANS
            _require_all(url, stored)
    return [*_rates(rounds), *_costs(rounds), _disk(url, stored), *_memory(memory)]


def _round(server: Family, url: str, sizes: Sizes) -> Round:
    before = server.cpu()
    sent = send(server.port, sizes.load_seconds)
    after = server.cpu()
    spent = (after.server - before.server, after.database - before.database)
    return Round(sent, *spent, copy_rate(url, sizes.copy_spans))


def _rates(rounds: list[Round]) -> list[Figure]:
    rate = median(each.rate for each in rounds)
    copied = median(each.copy_rate for each in rounds)
    ratio = median(each.rate / each.copy_rate for each in rounds)
    latencies = [latency * 1000 for each in rounds for _, latency in each.sent.acks]
    return [
        Figure("ingest", "durable OTLP ingest", rate, "spans/s", minimum=12_000),
        Figure("copy", "the same rows by raw COPY", copied, "spans/s"),
        Figure("ingest_per_copy", "ingest / COPY", ratio, "×", minimum=0.25),
        Figure("ingest_p50", "a request of 100 spans, p50", percentile(latencies, 0.5), "ms"),
        Figure("ingest_p95", "a request of 100 spans, p95", percentile(latencies, 0.95), "ms"),
        Figure("ingest_p99", "a request of 100 spans, p99", percentile(latencies, 0.99), "ms"),
    ]


def _costs(rounds: list[Round]) -> list[Figure]:
    spans = sum(len(each.sent.acks) for each in rounds) * SPANS
    spent = {
        "server": ("server", sum(each.server_seconds for each in rounds)),
        "database": ("PostgreSQL", sum(each.database_seconds for each in rounds)),
        "client": ("clients", sum(each.sent.cpu_seconds for each in rounds)),
    }
    return [
        Figure(f"{name}_cpu", f"processor time, {title}", seconds / spans * 1e6, "µs/span")
        for name, (title, seconds) in spent.items()
    ]


def _memory(memory: PeakMemory) -> list[Figure]:
    pss, rss = (size / MEGABYTE for size in memory.peak)
    return [
        Figure("memory_load", "memory under load (PSS)", pss, "MB", maximum=400),
        Figure("memory_load_rss", "… RSS summed", rss, "MB", maximum=400),
    ]


def _disk(url: str, spans: int) -> Figure:
    """Return what all tables take with their indexes, those of derived data included."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        size = connection.execute(_SIZE).fetchone()
    assert size is not None
    return Figure("disk", "on disk", float(size[0]) / spans / 1000, "kB/span", maximum=2.0)


def _require_all(url: str, acknowledged: int) -> None:
    """Raise RuntimeError unless exactly the acknowledged spans are stored and counted."""
    with psycopg.connect(url) as connection:
        query = "SELECT (SELECT count(*) FROM spans), (SELECT sum(span_count) FROM traces)"
        stored = connection.execute(query).fetchone()
    if stored != (acknowledged, acknowledged):
        raise RuntimeError(f"{acknowledged} spans were acknowledged, {stored} are stored")


def copy_rate(url: str, count: int) -> float:
    """Return the spans per second of one COPY for each table, in one transaction.

    The rows are the first ``count`` stored spans and payloads, and as large a share of the parts,
    as text in memory. The target tables are new and have the same columns, constraints and indexes.
    """
    with psycopg.connect(url) as connection:
        share = min(1.0, count / _number(connection, "spans"))
        rows = {
            table: _dump(connection, table, round(share * _number(connection, table)))
            for table in TABLES
        }
        for table in TABLES:
            connection.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)".encode())
        connection.commit()
        started_at = time.perf_counter()
        for table in TABLES:
            with connection.cursor().copy(f"COPY bench_{table} FROM STDIN".encode()) as copy:
                for chunk in rows[table]:
                    copy.write(chunk)
        connection.commit()
        seconds = time.perf_counter() - started_at
        copied = _number(connection, "bench_spans")
        for table in TABLES:
            connection.execute(f"DROP TABLE bench_{table}".encode())
    return copied / seconds


def _number(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def _dump(connection: psycopg.Connection, table: str, count: int) -> list[bytes]:
    query = f"COPY (SELECT * FROM {table} LIMIT {count}) TO STDOUT"
    with connection.cursor().copy(query.encode()) as copy:
        text = b"".join(bytes(block) for block in copy)
    size = 256 * 1024
    return [text[start : start + size] for start in range(0, len(text), size)]
