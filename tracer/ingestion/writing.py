"""What the write routes share: when a request came, what may come in, and where it goes."""

from __future__ import annotations

import time

from tracer.records import Batch
from tracer.store.writing.writer import Rejected
from tracer.web.bodies import json_body
from tracer.web.keys import project_id
from tracer.web.services import services
from tracer.wire.request_context import Receipt

__all__ = ["json_body", "receipt", "store"]


def receipt() -> Receipt:
    """Return the time of this moment, which orders what clients say, and the limits."""
    return Receipt(time=time.time_ns() // 1000, max_value_bytes=services().config.max_value_bytes)


def store(batch: Batch) -> list[Rejected]:
    """Commit the batch to the request's project; raises Overloaded and Unavailable."""
    return services().writer.write(project_id(), batch) if len(batch) else []
