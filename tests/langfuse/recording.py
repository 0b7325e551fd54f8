"""What the SDKs write, kept by the run that drives them, for the tests that run without them."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.langfuse.sdks import Ran, Sdk

RECORDED: Final = Path(__file__).with_name("recorded")
WRITES: Final = ("/api/public/ingestion", "/api/public/otel/v1/traces", "/api/public/scores")
PROTOBUF: Final = "application/x-protobuf"
_HOP: Final = {"connection", "transfer-encoding", "content-length", "date", "server"}
_OF_MACHINE: Final = ("process.", "host.", "os.")


class Written(NamedTuple):
    """A request with content: its path, type and decoded body."""

    path: str
    content_type: str
    body: bytes


@contextmanager
def proxy(url: str) -> Iterator[tuple[str, list[Written]]]:
    """Pass requests on to a server; yield the address, and the list that its writes come into."""
    target = urllib.parse.urlsplit(url).netloc
    written: list[Written] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self._body()
            upstream = http.client.HTTPConnection(target, timeout=60)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
            upstream.close()
            if self.command == "POST" and self.path in WRITES and answer.status < 300:
                plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
                kind = self.headers.get_content_type()
                written.append(Written(self.path, kind, plain))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            del self.headers["Transfer-Encoding"]
            self.headers["Content-Length"] = str(sum(map(len, parts)))
            return b"".join(parts)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", written
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def keep(sdk: Sdk, ran: Ran, written: list[Written]) -> None:
    """Store what an SDK wrote, without the values of the machine on which it ran."""
    content = {
        "sdk": sdk.title,
        "version": ran.version,
        "told": ran.report,
        "requests": [
            {
                "path": request.path,
                "content_type": request.content_type,
                "body": _spans_sent(request),
            }
            for request in written
        ],
    }
    RECORDED.mkdir(exist_ok=True)
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    (RECORDED / _name(sdk)).write_text(text + "\n")


def read(sdk: Sdk) -> tuple[Ran, list[Written]]:
    """Return the requests of an SDK's application and its output in the latest recording."""
    content = json.loads((RECORDED / _name(sdk)).read_text())
    written = [
        Written(
            request["path"],
            request["content_type"],
            _sent(request["content_type"], request["body"]),
        )
        for request in content["requests"]
    ]
    return Ran(content["told"], content["version"], ""), written


def _name(sdk: Sdk) -> str:
    title = sdk.title.replace("`", "").replace(",", "")
    return f"{title.replace(' ', '-').lower()}.json"


def _spans_sent(request: Written) -> Any:
    """Return a body as JSON; ids of protobuf stay in base64."""
    if request.content_type == PROTOBUF:
        body = MessageToDict(ExportTraceServiceRequest.FromString(request.body))
    else:
        body = json.loads(request.body)
    if isinstance(body, dict):
        for group in body.get("resourceSpans", ()):
            resource = group.get("resource", {})
            resource["attributes"] = [
                attribute
                for attribute in resource.get("attributes", ())
                if not attribute["key"].startswith(_OF_MACHINE)
            ]
    return body


def _sent(content_type: str, body: Any) -> bytes:
    if content_type == PROTOBUF:
        return ParseDict(body, ExportTraceServiceRequest()).SerializeToString()
    return json.dumps(body).encode()
