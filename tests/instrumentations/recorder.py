"""A relay between an application and Tracer that keeps each OTLP request that goes through."""

from __future__ import annotations

import base64
import gzip
import json
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.provider.loopback import Handler, on_loopback

_UNPACK: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}


_REQUESTS: Final[dict[str, Any]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Kept(NamedTuple):
    """A request as it was sent: what it holds as OTLP/JSON, and Tracer's status."""

    body: dict[str, Any]
    status: int


class Recorder:
    """The relay's address and, in order, the requests of traces and logs that went through it."""

    def __init__(self) -> None:
        self.url = ""
        self.kept: list[Kept] = []

    def resource_spans(self) -> list[dict[str, Any]]:
        """Return the groups of spans of all requests that were taken."""
        return self._groups("resourceSpans")

    def resource_logs(self) -> list[dict[str, Any]]:
        """Return the groups of log records of all requests that were taken."""
        return self._groups("resourceLogs")

    def _groups(self, name: str) -> list[dict[str, Any]]:
        taken = [kept.body for kept in self.kept if kept.status == 200]
        return [group for body in taken for group in body.get(name, [])]


def _as_json(body: bytes, content_type: str, path: str) -> dict[str, Any]:
    """Return an OTLP request in OTLP/JSON, whose ids are hex."""
    if content_type.startswith("application/json"):
        decoded: dict[str, Any] = json.loads(body)
        return decoded
    message = _REQUESTS[path].FromString(body)
    for group in getattr(message, "resource_spans", ()):
        for scoped in group.scope_spans:
            for span in scoped.spans:
                _ids_as_hex(span)
                for link in span.links:
                    _ids_as_hex(link)
    for group in getattr(message, "resource_logs", ()):
        for scoped in group.scope_logs:
            for record in scoped.log_records:
                _ids_as_hex(record)
    as_json: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
    return as_json


def _ids_as_hex(holder: Any) -> None:
    # Bytes become base64 in JSON: such bytes are chosen that their base64 is the hex text.
    for field in ("trace_id", "span_id", "parent_span_id"):
        if value := getattr(holder, field, b""):
            setattr(holder, field, base64.b64decode(value.hex()))


@contextmanager
def recorder(tracer_url: str) -> Iterator[Recorder]:
    """Relay to the server at ``tracer_url`` while the block runs."""

    recorder_state = Recorder()

    class Relay(Handler):
        def do_POST(self) -> None:
            body = self.body()
            kind = self.headers.get("Content-Type", "")
            coding = self.headers.get("Content-Encoding", "")
            sent = {"Content-Type": kind, **({"Content-Encoding": coding} if coding else {})}
            status, answer = _forward(tracer_url + self.path, body, sent)
            path = self.path.partition("?")[0]
            if path in _REQUESTS:
                plain = _UNPACK[coding](body)
                recorder_state.kept.append(Kept(_as_json(plain, kind, path), status))
            self.send(status, answer, kind)

    with on_loopback(Relay) as recorder_state.url:
        yield recorder_state


def _forward(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
