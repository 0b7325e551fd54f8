"""Selects the images and audio that a page shows: embedded data of types without scripts."""

from __future__ import annotations

import re
from typing import Final

# SVG is excluded because it can contain scripts, other URLs because loading them would reveal the
# visitor to their server.
_IMAGE: Final = r"data:image/(?:png|jpeg|jpg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]+"
_AUDIO: Final = (
    r"data:audio/(?:wav|wave|x-wav|vnd\.wave|mpeg|mp3|mp4|m4a|x-m4a|aac|ogg|opus|flac|webm);base64,"
    r"[A-Za-z0-9+/=\s]+"
)
_SAFE: Final = {"image": re.compile(_IMAGE), "audio": re.compile(_AUDIO)}
IMAGE_IN_TEXT: Final = re.compile(_IMAGE.replace(r"\s", ""))
"""An image within a text; it ends at white space."""


def safe_media(url: str | None) -> str | None:
    """Return image or audio if a page may show the data of ``url``, else None."""
    if url is None or not url.startswith("data:"):
        return None
    return next((kind for kind, pattern in _SAFE.items() if pattern.fullmatch(url)), None)
