"""Sends OTLP requests to a Tracer server for the commands; errors are one line each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any, Final, Self

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tracer.http_client import NoAnswer, RetryingClient

_SHOWN_CHARACTERS: Final = 200


class SendError(Exception):
    """The data did not arrive; one line that says what to do."""


class Server:
    """A running Tracer server at ``url``; ``key`` is the secret of a key, where one is needed.

    ``client`` is for tests and for special transports.
    """

    def __init__(self, url: str, key: str = "", client: RetryingClient | None = None) -> None:
        self._url = url
        self._client = client or RetryingClient(url)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, request: ExportTraceServiceRequest) -> None:
        """Send one request, again where the server is busy. Raises SendError."""
        answer = self._post(request.SerializeToString(), "application/x-protobuf")
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        _require_all(partial.rejected_spans, partial.error_message)

    def send_json(self, body: bytes) -> None:
        """Send one request that is OTLP/JSON already. Raises SendError."""
        partial = json.loads(self._post(body, "application/json")).get("partialSuccess", {})
        _require_all(int(partial.get("rejectedSpans", 0)), partial.get("errorMessage", ""))

    def send_all(self, requests: Iterable[ExportTraceServiceRequest]) -> None:
        """Send requests one after the other. Raises SendError."""
        for request in requests:
            self.send(request)

    def trace(self, trace_id: str) -> dict[str, Any]:
        """Return a trace as the server's API gives it. Raises SendError."""
        trace: dict[str, Any] = self._request("GET", f"/api/v1/traces/{trace_id}").json()
        return trace

    def _post(self, body: bytes, content_type: str) -> bytes:
        headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
        packed = gzip.compress(body, 5)
        return self._request("POST", "/v1/traces", content=packed, headers=headers).content

    def _request(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        try:
            answer = self._client.request(
                method, path, headers={**self._headers, **(headers or {})}, **more
            )
        except NoAnswer as error:
            raise SendError(
                f"no server answers at {self._url} ({error}): start one with `tracer serve`,"
                " or name another one with --url"
            ) from error
        if answer.status_code in (401, 403):
            raise SendError("the server wants a valid key: pass one that `tracer keys create` made")
        if answer.status_code != 200:
            text = answer.text[:_SHOWN_CHARACTERS]
            raise SendError(f"the server answered with status {answer.status_code}: {text}")
        return answer


def _require_all(refused: int, message: str) -> None:
    if refused:
        raise SendError(f"{refused} spans refused: {message}")
