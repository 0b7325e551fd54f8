"""Sends OTLP requests to a server, and says in one line what is wrong where it can't."""

from __future__ import annotations

import gzip
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

_TIMEOUT_SECONDS: Final = 60
_ATTEMPTS: Final = 5
_BUSY: Final = (429, 503)


class Answer(NamedTuple):
    """What a server said."""

    status: int
    body: bytes
    retry_after: float = 1.0


Transport = Callable[[str, str, bytes, Mapping[str, str]], Answer]
"""Sends (method, path, body, headers)."""


class SendError(Exception):
    """The data set did not arrive; one line that says what to do."""


class Server:
    """Where the data set goes."""

    def __init__(self, transport: Transport, key: str = "") -> None:
        self._transport = transport
        self._auth = {"Authorization": f"Bearer {key}"} if key else {}

    def send(self, request: ExportTraceServiceRequest) -> None:
        """Send one request, again where the server is busy. Raises SendError."""
        answer = self._post(request.SerializeToString(), "application/x-protobuf")
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        _require_all(partial.rejected_spans, partial.error_message)

    def send_json(self, body: bytes) -> None:
        """Send one request that is OTLP/JSON already. Raises SendError."""
        partial = json.loads(self._post(body, "application/json")).get("partialSuccess", {})
        _require_all(int(partial.get("rejectedSpans", 0)), partial.get("errorMessage", ""))

    def _post(self, body: bytes, content_type: str) -> bytes:
        headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
        packed = gzip.compress(body, 5)
        for _ in range(_ATTEMPTS):
            answer = self._transport("POST", "/v1/traces", packed, {**headers, **self._auth})
            if answer.status not in _BUSY:
                break
            time.sleep(answer.retry_after)
        _require(answer)
        return answer.body

    def send_all(self, requests: Iterable[ExportTraceServiceRequest]) -> None:
        """Send requests one after the other. Raises SendError."""
        for request in requests:
            self.send(request)

    def trace(self, trace_id: str) -> dict[str, Any]:
        """Return what the server's API says of a trace. Raises SendError."""
        answer = self._transport("GET", f"/api/v1/traces/{trace_id}", b"", self._auth)
        _require(answer)
        found: dict[str, Any] = json.loads(answer.body)
        return found


def _require_all(refused: int, message: str) -> None:
    if refused:
        raise SendError(f"{refused} spans refused: {message}")


def _require(answer: Answer) -> None:
    if answer.status in (401, 403):
        raise SendError("the server wants a valid key: pass one that `tracer keys create` made")
    if answer.status != 200:
        said = answer.body[:200].decode(errors="replace")
        raise SendError(f"the server answered with status {answer.status}: {said}")


def http_transport(url: str) -> Transport:
    """Return a transport to the server at ``url``; it raises SendError where none answers."""

    def transport(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(
            url.rstrip("/") + path, body or None, dict(headers), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            after = error.headers.get("Retry-After", "1")
            return Answer(error.code, error.read(), float(after) if after.isdigit() else 1.0)
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise SendError(
                f"no server answers at {url} ({reason}): start one with `tracer serve`,"
                " or name another one with --url"
            ) from error

    return transport
