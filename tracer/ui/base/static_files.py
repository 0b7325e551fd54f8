"""Static files: their URLs carry a content hash, and style sheets are sent without comments."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flask import Response, current_app, g, request, url_for

from tracer.ui.base.blueprint import bp

IMMUTABLE: Final = "public, max-age=31536000, immutable"
_ENDPOINT: Final = "static"
_HASH_BYTES: Final = 4
# Quoted text is kept. Space around braces and signs is removed; any other becomes one space.
_CSS: Final = re.compile(r"""("[^"]*"|'[^']*')|[\s;]*(})\s*|\s*([{;,>])\s*|(:)\s+|\s+""")


class ContentHashes:
    """The hashes of the files below a directory; a file that has changed is read again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, tuple[tuple[int, int, int], str]] = {}

    def get(self, filename: str) -> str | None:
        """Return a file's hash in hexadecimal digits, None: there is no such file."""
        path = self._directory / filename
        try:
            # On every use: an upgrade may replace files under a running server.
            status = path.stat()
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
            known_state, digest = self._known.get(filename, (None, ""))
            if known_state != state:
                digest = hashlib.blake2s(path.read_bytes(), digest_size=_HASH_BYTES).hexdigest()
                self._known[filename] = state, digest
        except OSError:
            return None
        return digest


@lru_cache
def content_hashes(directory: str) -> ContentHashes:
    """Return the hashes of a directory of static files."""
    return ContentHashes(Path(directory))


@bp.app_url_defaults
def add_hash(endpoint: str, values: dict[str, Any]) -> None:
    """Add the content hash as ``v`` to the URL that ``url_for`` returns for a static file."""
    if endpoint == _ENDPOINT and (digest := _hash_of(values["filename"])):
        values.setdefault("v", digest)


@bp.after_app_request
def allow_caching(response: Response) -> Response:
    """Mark a static file as immutable if its URL has the hash of the content."""
    if request.endpoint != _ENDPOINT or response.status_code not in (200, 304):
        return response
    # The content behind any other URL may change, so browsers revalidate it each time.
    if request.args.get("v") == _hash_of((request.view_args or {})["filename"]):
        response.headers["Cache-Control"] = IMMUTABLE
    return response


@bp.after_app_request
def shorten_styles(response: Response) -> Response:
    """Send a style sheet without its comments, indents and line ends."""
    filename = (request.view_args or {}).get("filename", "")
    is_style_sheet = request.endpoint == _ENDPOINT and filename.endswith(".css")
    if is_style_sheet and response.status_code == 200 and request.method == "GET":
        response.direct_passthrough = False
        style = response.get_data(as_text=True)
        response.close()
        response.set_data(shortened(style))
    return response


@lru_cache(maxsize=64)
def shortened(style: str) -> str:
    """Return a style sheet without comments, indents and line ends."""
    without_comments = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return _CSS.sub(
        lambda match: match[match.lastindex or 0].strip() or " ", without_comments
    ).strip()


@bp.app_template_global()
def icons_url() -> str:
    """Return the URL of the icons, made once per request: a page shows hundreds of them."""
    if "icons_url" not in g:
        g.icons_url = url_for(_ENDPOINT, filename="icons.svg")
    return str(g.icons_url)


def _hash_of(filename: str) -> str | None:
    return content_hashes(current_app.static_folder or "").get(filename)
