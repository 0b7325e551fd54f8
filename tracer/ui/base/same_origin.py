"""Same-origin checks: of the page that sent a form, and of the address to return to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import abort, request

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin() -> None:
    """Refuse with 403 a form that a browser did not send from a page of this host.

    Without login there is no cookie that identifies the visitor, so there is no CSRF token either.
    Instead, the browser names the origin of a request, which a page can't forge. Programs use the
    JSON API.
    """
    if request.method not in SAFE_METHODS and not _is_same_origin():
        abort(
            403, "This form was not sent from a page of this server. Open the page and try again."
        )


def _is_same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # Browsers omit Sec-Fetch-Site on plain HTTP. Only hosts are compared: a proxy may end TLS.
    try:
        return urlsplit(request.headers.get("Origin", "")).netloc == request.host
    except ValueError:
        return False  # such as http://[


def path_of_this_server(address: str, below: str = "/") -> str:
    """Return an address if it is a path of this server, else "": no form leads to another one.

    ``below``: the path begins with this.
    """
    parts = urlsplit(address)
    is_path = not parts.scheme and not parts.netloc and not address.startswith("//")
    is_own = is_path and address.startswith(f"{request.script_root}{below}")
    return address if is_own and address.isprintable() and "\\" not in address else ""
