"""Recognises pasted ids: trace and span ids in any form, ``traceparent``, URLs of trace pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_TRACEPARENT: Final = re.compile(
    r"(?:traceparent\s*[:=]\s*)?[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}",
    re.IGNORECASE,
)
_HEXADECIMAL: Final = re.compile(r"(?:0x)?([0-9a-f]{32}|[0-9a-f]{16})", re.IGNORECASE)
_MIXED: Final = re.compile(r"(?=.*[0-9@])(?=.*[^\W\d_])[^\W_][\w.@+-]{5,}")
_PATH: Final = re.compile(r"/project/([^/]+)/(traces|sessions|users|observations)/([^/?#]+)")
MAX_ID_LENGTH: Final = 800
"""In characters, of a stored id."""


@dataclass(frozen=True, slots=True)
class PastedId:
    """What a pasted text names: ids to try in this order, and what they are ids of if known."""

    candidates: tuple[str, ...]
    kind: str = ""
    """``trace``, ``session``, ``user`` or ``span``; empty: any of them."""
    span_id: str | None = None
    """A span of the trace."""


def recognise(text: str) -> PastedId | None:
    """Return the ids that a pasted text names; None: it is empty or too long for an id."""
    text = text.strip().strip("\"'`<>,;").strip()
    # A URL with an id is longer than the id.
    if not text or len(text) > 4 * MAX_ID_LENGTH or "\x00" in text:
        return None
    if match := _TRACEPARENT.fullmatch(text):
        return PastedId((match[1].lower(),), "trace", match[2].lower())
    if text.startswith(("http://", "https://", "/project/")):
        return _of_url(text)
    if len(text) > MAX_ID_LENGTH:
        return None
    return PastedId(_forms(text))


def is_id(text: str) -> bool:
    """Return whether a text looks like an id rather than a word to search for.

    That is: ids of OpenTelemetry, letters with digits such as ``user-417``, and email addresses.
    """
    bare = text.strip()
    return bool(_HEXADECIMAL.fullmatch(bare.replace("-", "")) or _MIXED.fullmatch(bare))


def _of_url(text: str) -> PastedId | None:
    """Return the ids in the URL of a page of Tracer or of Langfuse."""
    url = urlsplit(text)
    match = _PATH.search(url.path)
    if match is None:
        return None
    query = parse_qs(url.query)
    spans = query.get("span") or query.get("observation") or query.get("peek")
    kind = {"traces": "trace", "observations": "span"}.get(match[2], match[2][:-1])
    return PastedId((unquote(match[3]),), kind, spans[0] if spans else None)


def _forms(text: str) -> tuple[str, ...]:
    """Return the text and the forms in which ids of OpenTelemetry are stored."""
    forms = [text]
    bare = text.replace("-", "").replace(" ", "").replace(":", "")
    if match := _HEXADECIMAL.fullmatch(bare):
        forms += [match[1].lower(), match[1].upper()]
    return tuple(dict.fromkeys(forms))
