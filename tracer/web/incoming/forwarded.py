"""Proxies in front of the server: X-Forwarded-* of trusted ones, and the prefix of all URLs."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from tracer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRUSTED: Final = "tracer.trusted_proxy"
"""In the WSGI environment: whether the peer is a trusted proxy."""
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_UNIX: Final = "unix"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The trusted proxies: addresses and networks, and ``unix`` for a Unix socket."""

    def __init__(self, text: str) -> None:
        self._networks: list[Network] = []
        self._unix = False
        for part in filter(None, (part.strip() for part in text.split(","))):
            if part == _UNIX:
                self._unix = True
                continue
            try:
                self._networks.append(ipaddress.ip_network(part, strict=False))
            except ValueError:
                raise ConfigError(
                    f"TRACER_TRUSTED_PROXIES: {part!r} is no address or network such as 10.0.0.0/8"
                ) from None

    def include(self, peer: str) -> bool:
        """Return whether an address is that of a trusted proxy; "" is a Unix socket."""
        if not peer:
            return self._unix
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """Return the client's address: the last one in X-Forwarded-For that is no proxy."""
        client = peer
        for part in reversed(forwarded_for.split(",")):
            address = part.strip().strip("[]")
            try:
                ipaddress.ip_address(address)
            except ValueError:
                break
            client = address
            if not self.include(address):
                break
        return client


class Forwarded:
    """WSGI middleware: apply X-Forwarded-* of trusted proxies, remove the URL prefix from paths.

    Must run before any other middleware that reads the path. Headers of other peers are removed.
    """

    def __init__(self, app: WSGIApplication, proxies: Proxies, prefix: str) -> None:
        self.app = app
        self.proxies = proxies
        self.prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with the scheme, host, prefix and client that apply."""
        peer = environ.get("REMOTE_ADDR", "")
        prefix = self.prefix
        trusted = self.proxies.include(peer)
        if trusted:
            prefix = (
                _apply_forwarded(environ, self.proxies.client(peer, _sent(environ, "FOR")))
                or prefix
            )
        for name in ("FOR", "PROTO", "HOST", "PREFIX", "PORT"):
            environ.pop(f"HTTP_X_FORWARDED_{name}", None)
        environ[TRUSTED] = trusted
        if prefix:
            _remove_prefix(environ, prefix)
        return self.app(environ, start_response)


def checked_prefix(text: str) -> str:
    """Return a URL prefix without a final slash. Raises ConfigError for other characters."""
    prefix = text.rstrip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ConfigError(f"TRACER_URL_PREFIX={text!r}: expected a path such as /tracer")
    return prefix


def _sent(environ: WSGIEnvironment, name: str) -> str:
    return str(environ.get(f"HTTP_X_FORWARDED_{name}", ""))


def _apply_forwarded(environ: WSGIEnvironment, client: str) -> str:
    """Set scheme, host and client of the request; return the prefix that the proxy names."""
    scheme = _sent(environ, "PROTO").rpartition(",")[2].strip()
    if scheme in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme
    host = _sent(environ, "HOST").rpartition(",")[2].strip()
    if _HOST.fullmatch(host):
        environ["HTTP_HOST"] = host
    environ["REMOTE_ADDR"] = client
    prefix = _sent(environ, "PREFIX").strip().rstrip("/")
    return prefix if _PREFIX.fullmatch(prefix) else ""


def _remove_prefix(environ: WSGIEnvironment, prefix: str) -> None:
    """Set SCRIPT_NAME, and remove the prefix from the path unless the proxy has done so."""
    environ["SCRIPT_NAME"] = prefix
    for name in ("PATH_INFO", "RAW_URI"):
        path = str(environ.get(name, ""))
        if path == prefix or path.startswith((f"{prefix}/", f"{prefix}?")):
            environ[name] = path.removeprefix(prefix) or "/"
