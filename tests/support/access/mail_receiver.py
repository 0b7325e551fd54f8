"""A mail server on loopback that keeps the mails it receives."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._answer("220 test")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                recipient = line.partition(":")[2].strip("<> ")
            if verb == "DATA":
                self._answer("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                message = message_from_bytes(body, policy=policy.default)
                cast(Any, self.server).mails.append((recipient, message))
            self._answer("221 bye" if verb == "QUIT" else "250 ok")

    def _answer(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_receiver() -> Iterator[tuple[str, list[tuple[str, EmailMessage]]]]:
    """Yield the URL of a mail server, and the list of (recipient, mail) that it fills."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        mails: list[tuple[str, EmailMessage]] = []
        cast(Any, server).mails = mails
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            port = server.server_address[1]
            yield f"smtp://127.0.0.1:{port}/?from=tracer@example.com", mails
        finally:
            server.shutdown()
            thread.join()
