"""The requests that are timed: lists, queries, sorts, counts, texts and comparisons."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlencode

QUERIES: Final = (
    "status:error",
    "status:error start:>=2026-11-29",
    "name:support-agent",
    "name:support*",
    "model:gpt-4o",
    "model:gpt-4o* latency:>10s",
    "latency:>20s",
    "latency:1s..1500ms",
    "cost:>=0.5",
    "tokens:>100k -env:production",
    "tag:team-3",
    "tag:(team-1 OR experiment-30)",
    "user:user-3",
    "session:session-00000500",
    "release:2026.11.0 status:error",
    "env:staging,development -status:completed",
    "metadata.plan:enterprise",
    "metadata.tenant:t77",
    "metadata.attempt:>3",
    "score.helpful:<0.2",
    "has:bookmark",
    "errors:>=2",
    "any(kind:tool name:update_calendar)",
    "any(kind:agent > kind:tool status:error)",
    "count(kind:tool)>=30",
)
SORTS: Final = ("-start", "-cost", "-latency", "-tokens", "name,-start", "-spans", "user")
TEXTS: Final = {
    "rare word": "ORD-0000017",
    "common word": "orders",
    "absent word": "xylophonequux",
    "phrase": '"the tool did not answer"',
    "Chinese": "退款到原来",
}


class Request(NamedTuple):
    """A request to time: the group that it belongs to, what it asks for, and its path."""

    group: str
    what: str
    path: str


def requests(trace_ids: list[str]) -> list[Request]:
    """Return all requests; ``trace_ids``: two traces to compare."""
    listed = [_api("query", query, q=query) for query in QUERIES]
    listed += [_api("sort", sort, sort=sort) for sort in SORTS]
    listed += [_api("text", name, q=text) for name, text in TEXTS.items()]
    listed += [
        Request("list", name, f"/api/v1/{name}?limit=50")
        for name in ("traces", "spans", "sessions", "users")
    ]
    pages: tuple[tuple[str, dict[str, str]], ...] = (
        ("all", {}),
        ("of failures", {"q": "status:error"}),
        ("of a day", {"q": "start:2026-11-29"}),
    )
    listed += [
        Request("list page with facets", name, f"/project/default/traces?{urlencode(values)}")
        for name, values in pages
    ]
    listed += [
        Request("list page with facets", name, f"/project/default/{name}")
        for name in ("spans", "generations", "sessions", "users")
    ]
    listed += [
        Request("histogram", name, f"/project/default/histogram?{urlencode(values)}")
        for name, values in (*pages, ("of generations", {"list": "generation_list"}))
    ]
    listed += [
        Request("completion", text, f"/project/default/complete?{urlencode({'q': text})}")
        for text in ("na", "name:s", "user:user-1", "metadata.", "metadata.plan:")
    ]
    listed += [
        Request("what differs", query, f"/api/v1/differences?{urlencode({'q': query})}")
        for query in ("status:error", "start:2026-11-29 status:error", "user:user-3", "cost:>=0.5")
    ]
    both = urlencode({"then": trace_ids[0], "now": trace_ids[1]})
    listed.append(Request("compare", "two traces", f"/api/v1/comparison?{both}"))
    return listed


def _api(group: str, what: str, **values: str) -> Request:
    return Request(group, what, f"/api/v1/traces?{urlencode({**values, 'limit': '50'})}")
