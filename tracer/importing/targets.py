"""Decides which addresses an import may open: its server, and public ones that this refers to.

A name is looked up once for the connection, and the connection goes to the address that was checked
then: the name's owner could answer the next lookup with an address of the private network.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

_SCHEMES: Final = frozenset({"http", "https"})


def may_open(url: str, source_url: str) -> bool:
    """Return whether an import from ``source_url`` may open a URL that its server returned.

    A file store on another host is common; a host of the private network, which only this machine
    can reach, is refused unless the import is from such a host itself.
    """
    try:
        target, source = urlsplit(url), urlsplit(source_url)
        if target.scheme not in _SCHEMES or not target.hostname or not source.hostname:
            return False
        if target.hostname == source.hostname:
            return True
    except ValueError:
        return False
    return _allowed(_addresses(target.hostname), source.hostname)


def transport_for(source_url: str) -> httpx.BaseTransport | None:
    """Return the transport of an import from a server; None: through the proxy of this machine.

    A proxy looks names up itself, in its own network.
    """
    return None if getproxies() else _CheckedTransport(source_url)


class _CheckedTransport(httpx.BaseTransport):
    """Connects to the address that it has checked."""

    def __init__(self, source_url: str) -> None:
        self._source = urlsplit(source_url).hostname or ""
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpx.ConnectError where the host has no allowed address."""
        host = request.url.host
        if host == self._source:
            return self._inner.handle_request(request)
        addresses = _addresses(host)
        if not addresses or not _allowed(addresses, self._source):
            raise httpx.ConnectError(f"{host} has no address that the import opens")
        # A new request: redirects are resolved against the URL of the original one.
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=addresses[0]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return self._inner.handle_request(pinned)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _allowed(addresses: list[str], source: str) -> bool:
    """Return whether addresses are public, or those of an import from the private network."""
    return _all_public(addresses) or not _all_public(_addresses(source))


def _addresses(host: str) -> list[str]:
    """Return the addresses of a host; an unknown one has none."""
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in entries]


def _all_public(addresses: list[str]) -> bool:
    """Return whether there are addresses, and all are public ones."""
    return bool(addresses) and all(
        ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses
    )
