"""Sends a mail through the SMTP server of a URL: smtp://user:password@host:587/?from=ADDRESS."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from tracer.config import is_loopback
from tracer.errors import ConfigError

_TIMEOUT_SECONDS: Final = 20.0
_PORTS: Final = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """The SMTP server that mail is sent through, and the sender's address."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    sender: str


def parse(url: str) -> MailServer:
    """Return the server of a URL. Raises ConfigError, which does not contain the password."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    sender = parse_qs(parts.query).get("from", [""])[0]
    if not port or not parts.hostname or "@" not in sender or not sender.isprintable():
        raise ConfigError(
            "the mail server: expected smtp://user:password@host:587/?from=tracer@example.com"
            " (or smtps://, with TLS from the start)"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.scheme, parts.hostname, port, user, password, sender)


def send(server: MailServer, recipient: str, subject: str, text: str) -> None:
    """Send a mail; raises OSError or smtplib.SMTPException where the server refuses it.

    The connection is encrypted, unless the server is on this machine.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = server.sender, recipient, subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    with _connect(server) as connection:
        if server.user:
            connection.login(server.user, server.password)
        connection.send_message(message)


def _connect(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
    try:
        if not is_loopback(server.host):
            connection.starttls(context=context)
    except (OSError, smtplib.SMTPException):
        connection.close()
        raise
    return connection
