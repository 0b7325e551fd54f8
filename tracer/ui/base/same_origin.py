"""Same-origin check: a form that changes something must come from a page of this server."""

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
