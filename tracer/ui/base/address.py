"""The state of a trace page is its address: what of it the links on the page carry on."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request

from tracer.ui.base.blueprint import is_fragment

KEPT = ("open", "zoom", "idle", "q")
"""What stays when a reader selects something else; each page of a trace reads what it knows."""
# Addresses have an end; the oldest are forgotten first.
MOST_OPEN = 20


def state() -> list[tuple[str, str]]:
    """Return the query of the page's address: of this one, or of the page that asks for a part."""
    if is_fragment():
        # The address bar knows what a reader has chosen since the page was loaded.
        return parse_qsl(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    return [(name, value) for name in request.args for value in request.args.getlist(name)]


def keep(*without: str, **changed: str | None) -> str:
    """Return the query that a link begins with, ``&`` at its end, or an empty string.

    ``changed`` values take the place of those the page has (None: it goes).
    """
    dropped = {*without, *changed}
    kept = [pair for pair in state() if pair[0] in KEPT and pair[0] not in dropped]
    opened = [pair for pair in kept if pair[0] == "open"][-MOST_OPEN:]
    kept = [*opened, *(pair for pair in kept if pair[0] != "open")]
    kept += [(name, value) for name, value in changed.items() if value]
    return f"{urlencode(kept)}&" if kept else ""


def chosen(name: str) -> str | None:
    """Return what the page's address says of ``name``, the last word where it says several."""
    return dict(state()).get(name)
