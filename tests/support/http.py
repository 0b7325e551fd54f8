"""Plain HTTP requests to a server, paths of its URLs, and a free port."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def is_healthy(url: str) -> bool:
    """Return whether a server with a working database responds at this URL."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def get_bytes(url: str) -> bytes:
    """Return the body of the response to a GET of ``url``."""
    with urllib.request.urlopen(url, timeout=20) as response:
        return bytes(response.read())


def path_of(url: str) -> str:
    """Return the path of an absolute URL, for a test client in this process."""
    return urlsplit(url).path


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
