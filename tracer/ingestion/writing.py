"""Shared parts of the write routes: the request context for decoders, and the writer."""

from __future__ import annotations

import time

from tracer.records import Batch
from tracer.store.writing.writer import Rejected
from tracer.web.bodies import json_body
from tracer.web.keys import current_project_id
from tracer.web.monitoring.metrics import count_items
from tracer.web.services import services
from tracer.wire.request_context import RequestContext

__all__ = ["json_body", "request_context", "store"]


def request_context() -> RequestContext:
    """Return the request's time, which orders records of one object, and the size limits."""
    return RequestContext(
        time=time.time_ns() // 1000, max_value_bytes=services().config.max_value_bytes
    )


def store(batch: Batch) -> list[Rejected]:
    """Commit the batch to the request's project; return its rejected items.

    Raises Overloaded and StoreUnavailable.
    """
    if len(batch) == 0:
        return []
    rejected = services().writer.write(current_project_id(), batch)
    count_items(len(batch.spans), len(rejected))
    return rejected
