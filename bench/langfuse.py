"""Langfuse ingestion compared with OTLP: batches of its older SDKs, in events per second."""

from __future__ import annotations

import json
import random
import secrets
from statistics import median
from typing import Any, ClassVar, Final

from bench.family import Family
from bench.figures import Figure, Sizes, percentile
from bench.load import SPANS as OTLP_SPANS
from bench.load import Sent, Template, prose, send

EVENTS: Final = 15
"""Events in a batch, the batch size of the SDKs."""
_ID: Final = "0123456789abcdef0123456789abcdef"
_TIMES: Final = "2026-01-01T00:00:{:02}.000Z"


class Events:
    """A request body with a trace, its spans and generations, each created and then ended."""

    path: ClassVar[str] = "/api/public/ingestion"
    content_type: ClassVar[str] = "application/json"

    def __init__(self, seed: int) -> None:
        self._body = json.dumps({"batch": _batch(random.Random(seed))}).encode()

    def fresh(self) -> bytes:
        """Return the body with new ids, by replacing their common prefix."""
        return self._body.replace(_ID.encode(), secrets.token_hex(16).encode())

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        """Return whether all events were stored."""
        return status == 207 and not json.loads(body)["errors"]


def measure(server: Family, sizes: Sizes) -> list[Figure]:
    """Load the server with Langfuse events and with OTLP, alternately."""
    send(server.port, sizes.warm_seconds, Events)
    events: list[float] = []
    spans: list[float] = []
    latencies: list[float] = []
    for _ in range(sizes.rounds):
        sent = send(server.port, sizes.load_seconds, Events)
        events.append(_rate(sent, EVENTS))
        latencies += [latency * 1000 for _, latency in sent.acks]
        spans.append(_rate(send(server.port, sizes.load_seconds, Template), OTLP_SPANS))
    ratio = median(event / span for event, span in zip(events, spans, strict=True))
    return [
        Figure("langfuse", "Langfuse ingestion, batches of 15", median(events), "events/s"),
        Figure("langfuse_p95", "… a batch, p95", percentile(latencies, 0.95), "ms"),
        Figure("langfuse_otlp", "… beside it durable OTLP ingest", median(spans), "spans/s"),
        Figure("langfuse_per_otlp", "… events / OTLP spans", ratio, "×"),
    ]


def _rate(sent: Sent, items: int) -> float:
    began = min(acknowledged - latency for acknowledged, latency in sent.acks)
    ended = max(acknowledged for acknowledged, _ in sent.acks)
    return len(sent.acks) * items / (ended - began)


def _batch(rng: random.Random) -> list[dict[str, Any]]:
    """Return the events of one trace and seven observations, creates before updates."""
    trace = {"name": "support", "sessionId": f"session-{_ID}", "input": prose(rng, 60)}
    creates = [_event("trace-create", 0, {**trace, "id": f"{_ID}-t", "userId": "user"})]
    updates = []
    for n in range((EVENTS - 1) // 2):
        kind = "generation" if n % 2 else "span"
        body: dict[str, Any] = {"id": f"{_ID}-{n}", "traceId": f"{_ID}-t"}
        start = {"name": f"{kind} {n}", "startTime": _TIMES.format(n), "input": prose(rng, 90)}
        if n:
            start["parentObservationId"] = f"{_ID}-{n - 1}"
        end: dict[str, Any] = {"endTime": _TIMES.format(n + 30), "output": prose(rng, 60)}
        if kind == "generation":
            start["model"] = "gpt-4o"
            end["usageDetails"] = {"input": rng.randrange(4000), "output": rng.randrange(500)}
        creates.append(_event(f"{kind}-create", n, {**body, **start}))
        updates.append(_event(f"{kind}-update", n + 30, {**body, **end}))
    return creates + updates


def _event(kind: str, second: int, body: dict[str, Any]) -> dict[str, Any]:
    event_id = f"{_ID}-{kind}-{second}"
    return {"id": event_id, "timestamp": _TIMES.format(second), "type": kind, "body": body}
