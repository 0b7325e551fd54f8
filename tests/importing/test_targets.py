"""An import opens its server and public addresses, and nothing that only this machine reaches."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tracer.importing import remote as remote_module
from tracer.importing.remote import Remote, RemoteNotFound, TooLarge
from tracer.importing.targets import may_open, transport_for

PUBLIC = "https://8.8.8.8"
PRIVATE = "http://127.0.0.1:3000"


@pytest.mark.parametrize(
    ("url", "source", "allowed"),
    [
        ("https://8.8.8.8/file", PUBLIC, True),
        ("https://1.1.1.1/bucket/file?signature=x", PUBLIC, True),
        ("http://127.0.0.1:9000/bucket/file", PRIVATE, True),
        ("http://10.0.0.1/bucket/file", PRIVATE, True),
        ("http://127.0.0.1/", PUBLIC, False),
        ("http://[::1]/", PUBLIC, False),
        ("http://10.0.0.1/", PUBLIC, False),
        ("http://169.254.169.254/latest/meta-data", PUBLIC, False),
        ("http://0x7f000001/", PUBLIC, False),
        ("file:///etc/passwd", PRIVATE, False),
        ("data:text/plain,x", PRIVATE, False),
        ("ftp://8.8.8.8/file", PUBLIC, False),
        ("http://[", PUBLIC, False),
        ("", PUBLIC, False),
    ],
)
def test_which_addresses_are_opened(url: str, source: str, allowed: bool) -> None:
    assert may_open(url, source) is allowed


class Hostile(BaseHTTPRequestHandler):
    """Answers that lead elsewhere, and one that does not end."""

    def do_GET(self) -> None:
        if self.path == "/leads-to-file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        body = json.dumps({"data": "x" * 1_000_000}).encode()
        for _ in range(20):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def hostile() -> Iterator[Remote]:
    """A Langfuse server that wants to harm who imports from it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with Remote(f"http://127.0.0.1:{server.server_port}", "pk", "sk", wait=bool) as remote:
            yield remote
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:,x", "{host}/leads-to-file"])
def test_a_file_that_a_server_names_elsewhere_is_missing(hostile: Remote, url: str) -> None:
    with pytest.raises(RemoteNotFound), hostile.download(url.format(host=hostile.host)) as content:
        b"".join(content)


def test_an_answer_without_an_end_is_given_up(
    hostile: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_module, "_MAX_RESPONSE_BYTES", 3_000_000)
    monkeypatch.setattr(remote_module, "_MAX_FILE_BYTES", 3_000_000)
    with pytest.raises(TooLarge):
        hostile.get("traces")
    with pytest.raises(TooLarge), hostile.download(f"{hostile.host}/file") as content:
        b"".join(content)


def test_a_connection_goes_to_the_address_that_was_checked(
    hostile: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name's owner answers with another address from the fourth lookup on."""
    monkeypatch.setattr(remote_module, "_MAX_FILE_BYTES", 3_000_000)
    port = urlsplit(hostile.host).port
    look_up = socket.getaddrinfo
    answers = iter(["127.0.0.1"] * 3)

    def changing(host: str, *more: Any, **options: Any) -> Any:
        address = next(answers, "203.0.113.1") if host == "files.test" else host
        return look_up(address, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    with pytest.raises(TooLarge), hostile.download(f"http://files.test:{port}/file") as content:
        b"".join(content)
    public = httpx.Client(transport=transport_for(PUBLIC))
    # Until now a public address, at this lookup one of the private network.
    private = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **options: (
            private if host == "files.test" else look_up(host, *more, **options)
        ),
    )
    with public, pytest.raises(httpx.ConnectError, match="no address"):
        public.get(f"http://files.test:{port}/file")
