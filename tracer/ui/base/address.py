"""The state of the trace page in its query string, and which parameters links preserve."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from flask import request

from tracer.ui.base.blueprint import is_fragment

PRESERVED = (
    *("open", "zoom", "idle", "lens", "q", "list"),
    *("kind", "level", "sort", "cursor", "sent"),
)
"""Parameters that stay when another span is selected; each page of a trace reads its own ones."""
VIEW_ONLY = ("kind", "level", "sort", "cursor", "sent")
"""Those of log, transcript and statistics, which a link from there to the tree drops."""
# URLs have a maximum length; the nodes that were opened first are dropped first.
MAX_OPEN = 20


def page_query() -> list[tuple[str, str]]:
    """Return the query of the page: of this request, or of the page that requests a fragment."""
    if is_fragment():
        # The address bar has what the visitor has selected since the page was loaded.
        return parse_qsl(_page_url().query)
    return [(name, value) for name in request.args for value in request.args.getlist(name) if value]


def page_path() -> str:
    """Return the decoded path of the page: of this request, or of the page that sends it."""
    if is_fragment():
        return unquote(_page_url().path)
    return request.script_root + request.path


def _page_url() -> SplitResult:
    """Return the address of the page that sends this request, as htmx names it."""
    try:
        return urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return urlsplit("")  # not from a browser


def preserved_query(*without: str, **changed: str | None) -> str:
    """Return the query with which a link begins, with a trailing ``&``, or "".

    ``changed`` values replace those of the page; None removes the parameter.
    """
    dropped = {*without, *changed}
    pairs = [pair for pair in page_query() if pair[0] in PRESERVED and pair[0] not in dropped]
    opened = [pair for pair in pairs if pair[0] == "open"][-MAX_OPEN:]
    pairs = [*opened, *(pair for pair in pairs if pair[0] != "open")]
    pairs += [(name, value) for name, value in changed.items() if value]
    return f"{urlencode(pairs)}&" if pairs else ""


def page_parameter(name: str) -> str | None:
    """Return a parameter of the page's query, the last one if it is repeated."""
    return dict(page_query()).get(name)
