"""What the write routes share: when a request came, what may come in, and where it goes."""

from __future__ import annotations

import time

from flask import current_app, request

from tracer.config import Config
from tracer.ingestion.body import check_content_type, read_body
from tracer.records import Batch
from tracer.store.writer import Rejected, Writer
from tracer.web.auth import project_id
from tracer.wire.receipt import Receipt


def config() -> Config:
    """Return the server's configuration."""
    found: Config = current_app.extensions["tracer.config"]
    return found


def receipt() -> Receipt:
    """Return the time of this moment, which orders what clients say, and the limits."""
    return Receipt(time=time.time_ns() // 1000, max_value_bytes=config().max_value_bytes)


def json_body() -> bytes:
    """Return the body of a JSON request; raises WireError (400, 413, 415)."""
    check_content_type(request, ("application/json",))
    return read_body(request, config().max_body_bytes)


def store(batch: Batch) -> list[Rejected]:
    """Commit the batch to the request's project; raises Overloaded and Unavailable."""
    writer: Writer = current_app.extensions["tracer.writer"]
    return writer.write(project_id(), batch) if len(batch) else []
