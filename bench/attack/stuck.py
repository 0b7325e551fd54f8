"""A trace whose row another transaction keeps locked, while requests write to it."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from bench.family import Family
from tracer.server.postgres import Embedded

WRITERS: Final = 16
_TRACE: Final = "stuck"


@contextmanager
def stuck_trace(server: Family) -> Iterator[list[int]]:
    """Lock the row of a trace while WRITERS requests write to it; yield their statuses."""
    _send(server.port, "first")
    statuses: list[int] = []

    def write(number: int) -> None:
        statuses.append(_send(server.port, f"late{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    with psycopg.connect(Embedded(server.data_dir).url) as holder:
        holder.execute("SELECT FROM traces WHERE trace_id = %s FOR UPDATE", [_TRACE])
        for thread in threads:
            thread.start()
        yield statuses
    for thread in threads:
        thread.join()


def _send(port: int, span_id: str) -> int:
    """Write a span of the trace; return the status of the response."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"id": span_id, "name": "s"})
    path = f"/api/v1/traces/{_TRACE}/spans"
    client.request("POST", path, body, {"Content-Type": "application/json"})
    response = client.getresponse()
    response.read()
    client.close()
    return response.status
