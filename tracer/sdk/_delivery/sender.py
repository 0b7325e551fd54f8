"""Sender: sends a batch to the server over HTTP."""

from __future__ import annotations

from typing import Final, NamedTuple

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from tracer import __version__
from tracer.sdk._config import Config
from tracer.sdk._delivery.buffer import Batch

_PATHS: Final = {"spans": "/v1/traces", "scores": "/api/v1/batch"}
_MEDIA_TYPES: Final = {"spans": "application/x-protobuf", "scores": "application/json"}
_RETRIED_STATUSES: Final = (408, 429, 500, 502, 503, 504)
_MAX_RETRY_AFTER_SECONDS: Final = 300.0
_MAX_RETRIES: Final = 5
"""Greatest number of retries after a status of 500, which the batch itself may cause."""


class Outcome(NamedTuple):
    """How the server answered a batch."""

    reason: str = ""
    refused: int = 0
    """Number of the batch's items that the server refused for good."""
    retry: bool = False
    """The server did not take the batch, and a retry may succeed."""
    retry_after: float | None = None
    """Seconds to wait before the retry, where the server named them."""


class Sender:
    """Keeps one connection to the endpoint; one thread at a time uses it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._failures = 0
        """Answers of status 500 in a row to the batch that is being sent."""
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"tracer-sdk/{__version__}"
        if config.key:
            self._session.headers["Authorization"] = f"Bearer {config.key}"
        self._session.headers.update(config.headers or {})

    def send(self, batch: Batch, timeout: float) -> Outcome:
        """Return the outcome of one request, after ``timeout`` seconds at most; never raises."""
        try:
            response = self._session.post(
                self._config.url(_PATHS[batch.kind]),
                data=batch.body,
                headers={"Content-Type": _MEDIA_TYPES[batch.kind], "Content-Encoding": "gzip"},
                timeout=timeout,
                # A redirect, if followed, would take the key to another server.
                allow_redirects=False,
            )
        except Exception as error:
            # A broken connection or a faulty server makes requests raise many kinds of errors.
            self.close()
            return Outcome(f"{type(error).__name__}: {error}", retry=True)
        status = response.status_code
        self._failures = self._failures + 1 if status == 500 else 0
        if 200 <= status < 300:
            return _refusals(batch, response)
        reason = f"{status} {response.reason}: {response.text[:200]}"
        if status in _RETRIED_STATUSES and self._failures <= _MAX_RETRIES:
            seconds = _retry_after(response.headers.get("Retry-After"))
            return Outcome(reason, retry=True, retry_after=seconds)
        self._failures = 0
        return Outcome(reason, batch.items)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._session.close()


def _refusals(batch: Batch, response: requests.Response) -> Outcome:
    try:
        if batch.kind == "scores":
            refused = [item for item in response.json()["results"] if item["status"] >= 400]
            return Outcome(str(refused[:1])[:300], len(refused))
        partial = ExportTraceServiceResponse.FromString(response.content).partial_success
        return Outcome(partial.error_message, partial.rejected_spans)
    except Exception:
        # The status acknowledges the batch, even where the body makes no sense.
        return Outcome()


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header names, as a number or as a date."""
    try:
        return min(Retry().parse_retry_after(header), _MAX_RETRY_AFTER_SECONDS) if header else None
    except InvalidHeader:
        return None
