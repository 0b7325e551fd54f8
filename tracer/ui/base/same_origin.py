"""Forms are taken from our own pages only: what changes something must not come from elsewhere."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import abort, request

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin() -> None:
    """Refuse a form that a browser did not send from a page of this host.

    Where nobody logs in there is no cookie to tell a visitor's own click by; the browser's word on
    where a request comes from can't be forged by a page. Programs have the JSON API.
    """
    if request.method not in SAFE and not _same_origin():
        abort(
            403, "This form was not sent from a page of this server. Open the page and try again."
        )


def _same_origin() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # Browsers leave the header out on plain HTTP. A proxy may have ended TLS: only hosts compare.
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
