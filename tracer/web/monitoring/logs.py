"""Log lines as JSON objects with the request id, unless stderr is a terminal."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Final

from flask import Response, g, has_request_context, request

log: Final = logging.getLogger("tracer.requests")
_SLOW_SECONDS: Final = 5.0


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message; in a request its id and route."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            rule = request.url_rule.rule if request.url_rule else ""
            line |= {"request_id": g.get("request_id", ""), "method": request.method, "route": rule}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Write all log lines of this process to stderr as JSON, unless stderr is a terminal."""
    if sys.stderr.isatty():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def log_trouble(response: Response) -> Response:
    """Log a request that failed or took long; no query, body or header, which may hold secrets."""
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    if response.status_code >= 500 or seconds > _SLOW_SECONDS:
        fields = {"status": response.status_code, "milliseconds": round(seconds * 1000)}
        log.warning("answered with %d", response.status_code, extra={"fields": fields})
    return response
