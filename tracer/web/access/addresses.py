"""The network address of the client."""

from __future__ import annotations

from flask import request


def client_address() -> str:
    """Return the address of the client, as trusted proxies name it; "" over a Unix socket."""
    return request.remote_addr or ""
