"""Checks names of prompts: paths with folders, usable in references between prompts."""

from __future__ import annotations

import re
from typing import Final

MAX_CHARACTERS: Final = 500
_MARKUP: Final = re.compile(r"<[^>]*>")
_RESERVED: Final = ("new", "metrics")


def refusal_of(name: str) -> str:
    """Return why a text is not a valid name of a prompt; "": it is valid."""
    if not 1 <= len(name) <= MAX_CHARACTERS or "\x00" in name:
        return f"expected 1 to {MAX_CHARACTERS} characters"
    # A pipe ends the name in a reference, and the slash separates folders.
    if "|" in name or _MARKUP.search(name):
        return f"expected a name without | and <…>, got {name!r:.80}"
    if name in _RESERVED:
        return f"{name!r} is reserved"
    if not all(part.strip() for part in name.split("/")):
        return f"expected names of folders between slashes, got {name!r:.80}"
    return ""
