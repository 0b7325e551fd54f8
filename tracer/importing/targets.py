"""Which addresses an import may open: the server asked for, and public ones that it refers to."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

_SCHEMES: Final = frozenset({"http", "https"})


def may_open(url: str, asked_for: str) -> bool:
    """Return whether an import from ``asked_for`` may open a URL that its server names.

    A file store on another host is common; a host of the private network, which only this machine
    can reach, is refused unless the import is from such a host itself.
    """
    try:
        target, source = urlsplit(url), urlsplit(asked_for)
        if target.scheme not in _SCHEMES or not target.hostname or not source.hostname:
            return False
        if target.hostname == source.hostname:
            return True
    except ValueError:
        return False
    return _is_public(target.hostname) or not _is_public(source.hostname)


def _is_public(host: str) -> bool:
    """Return whether all addresses of a host are public ones; an unknown host has none."""
    try:
        resolved = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(
        ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in resolved
    )
