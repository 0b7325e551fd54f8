"""Which images and audio a page may show: those within the payload, of types without scripts."""

from __future__ import annotations

import re
from typing import Final

# SVG is left out: it can carry scripts. So is every address: loading it would tell its owner
# who reads the trace.
_IMAGE: Final = r"data:image/(?:png|jpeg|jpg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]+"
_AUDIO: Final = (
    r"data:audio/(?:wav|wave|x-wav|vnd\.wave|mpeg|mp3|mp4|m4a|x-m4a|aac|ogg|opus|flac|webm);base64,"
    r"[A-Za-z0-9+/=\s]+"
)
_SAFE: Final = {"image": re.compile(_IMAGE), "audio": re.compile(_AUDIO)}
IMAGE_IN_TEXT: Final = re.compile(_IMAGE.replace(r"\s", ""))
"""An image somewhere in a text; white space ends it."""


def safe_media(url: str | None) -> str | None:
    """Return image or audio where a page may show what ``url`` holds, else None."""
    if url is None or not url.startswith("data:"):
        return None
    return next((kind for kind, pattern in _SAFE.items() if pattern.fullmatch(url)), None)
