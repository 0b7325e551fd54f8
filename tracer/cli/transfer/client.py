"""The HTTP client with which commands send OTLP requests to a Tracer server."""

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
    """The data could not be sent; the message is one line with the remedy."""


class Server:
    """A running Tracer server at ``url``; ``key`` is the secret of an API key, if required.

    Tests pass a ``client`` of their own.
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
        """Send one request, with retries while the server is busy. Raises SendError."""
        response = self._post(request.SerializeToString(), "application/x-protobuf")
        partial = ExportTraceServiceResponse.FromString(response).partial_success
        _check_accepted(partial.rejected_spans, partial.error_message)

    def send_json(self, body: bytes) -> None:
        """Send one request that is encoded as OTLP/JSON. Raises SendError."""
        partial = json.loads(self._post(body, "application/json")).get("partialSuccess", {})
        _check_accepted(int(partial.get("rejectedSpans", 0)), partial.get("errorMessage", ""))

    def send_all(self, requests: Iterable[ExportTraceServiceRequest]) -> None:
        """Send requests one after the other. Raises SendError."""
        for request in requests:
            self.send(request)

    def add_comment(self, comment: dict[str, Any]) -> None:
        """Add a comment; an existing one stays unchanged. Raises SendError."""
        self._request("POST", "/api/v1/comments", json=comment)

    def trace(self, trace_id: str) -> dict[str, Any]:
        """Return a trace as JSON of the server's API. Raises SendError."""
        trace: dict[str, Any] = self._request("GET", f"/api/v1/traces/{trace_id}").json()
        return trace

    def _post(self, body: bytes, content_type: str) -> bytes:
        headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
        compressed = gzip.compress(body, 5)
        return self._request("POST", "/v1/traces", content=compressed, headers=headers).content

    def _request(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        try:
            response = self._client.request(
                method, path, headers={**self._headers, **(headers or {})}, **options
            )
        except NoAnswer as error:
            raise SendError(
                f"no server answers at {self._url} ({error}): start a server with `tracer serve`,"
                " or choose another server with --url"
            ) from error
        if response.status_code in (401, 403):
            raise SendError(
                "the server requires a valid key: pass the secret that `tracer keys create` printed"
            )
        if not response.is_success:
            text = response.text[:_SHOWN_CHARACTERS]
            raise SendError(f"the server returned status {response.status_code}: {text}")
        return response


def _check_accepted(rejected_count: int, message: str) -> None:
    if rejected_count:
        raise SendError(f"{rejected_count} spans refused: {message}")
