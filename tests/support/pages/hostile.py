"""Text that attempts script and markup injection in every field, and the pages that show it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from flask import Flask, url_for

from tests.support.pages.sample_traces import TraceBuilder, chat_message
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates
from tracer.store.database.session import transaction
from tracer.store.projects.prices import create_price

BAD = (
    """"'><script>alert(1)</script><img src=x onerror=alert(2) hx-get="/evil">"""
    """<svg onload=alert(3)><style>*{display:none!important}</style>"""
    """<a href="javascript:alert(4)" hx-get="/evil">a</a>"""
    """[b](javascript:alert(5)) ![c](http://evil.example/c)<p hx-get="/evil" hx-trigger="load">"""
    """<iframe src="//evil.example"></iframe><link rel=stylesheet href="//evil.example/d">"""
    """<base href="//evil.example/"><meta http-equiv=refresh content="0;url=//evil.example">"""
    """<b style="background:url(//evil.example/e)">{{7*7}}<!--"""
)
ID = "e" * 32
RUN_ID = "f" * 32
QUOTED = quote(BAD, safe="")
TABS = ("io", "metadata", "events", "scores", "mapping", "raw")
AXIS = "t=0-1-d"

# Query strings by page; a page that is not listed is requested without one.
QUERIES: dict[str, list[str]] = {
    "trace_list": ["", f"name={QUOTED}&tag={QUOTED}&user={QUOTED}&from=7d"],
    "trace": [
        *("", "tab=metadata", "tab=scores", f"span={QUOTED}&raw=1", f"zoom={QUOTED}&idle={QUOTED}"),
        *(f"span={QUOTED}&tab={tab}" for tab in TABS),
        f"span={quote(f'gone {BAD}', safe='')}",
        f"open={QUOTED}&span=orphan",
        *(f"q={QUOTED}", f"q=script&span={QUOTED}"),
    ],
    "trace_spans": [AXIS, f"{AXIS}&parent={quote(f'gone {BAD}', safe='')}"],
    "trace_live": [AXIS, f"{AXIS}&zoom="],
    "trace_span": ["", *(f"id={QUOTED}&tab={tab}" for tab in TABS)],
    "trace_value": [f"id={QUOTED}&at=/attributes", "at=/metadata"],
    "trace_log": [
        *("", f"q={QUOTED}", "q=script", f"span={QUOTED}", f"kind={QUOTED}&level={QUOTED}"),
    ],
    **{f"trace_{view}": ["", f"span={QUOTED}"] for view in ("transcript", "findings")},
    "trace_statistics": [f"span={QUOTED}", f"sort={QUOTED}"],
    "price_list": ["", f"model={QUOTED}"],
    "price_form": ["", f"model={QUOTED}"],
}
SHOWN = ("/traces", "/sessions", "/prices", "/mapping")


def hostile_run() -> TraceBuilder:
    """Return a finished trace whose 150 similar spans, more than a page, fold into one row."""
    story = TraceBuilder(RUN_ID, name=f"run {BAD}").span(f"root {BAD}", None, 0, 200, name=BAD)
    for n in range(150):
        failed = {"level": "error", "status_message": BAD} if n == 3 else {}
        story.span(f"{n} {BAD}", f"root {BAD}", n, n + 0.5, name=BAD, model=BAD, **failed)
    return story


def hostile() -> TraceBuilder:
    """Return a trace whose every field is hostile."""
    fields: dict[str, Any] = {
        field: f"{field} {BAD}"
        for field in ("name", "user_id", "session_id", "environment", "release", "version")
    }
    story = TraceBuilder(ID, **fields, tags=[BAD], input=BAD, output=BAD, metadata={BAD: BAD})
    names = ("name", "status_message", "model", "requested_model", "provider", "prompt_name")
    text: dict[str, Any] = {name: f"{name} {BAD}" for name in names}
    function = {"name": BAD, "arguments": f'{{"x": "{ID}"}}'}
    call = {"id": BAD, "type": "function", "function": function}
    picture = {"type": "image_url", "image_url": {"url": f"http://evil.example/{BAD}"}}
    drawn = {"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg onload=alert(6)>"}}
    parts = [{"type": "text", "text": BAD}, picture, drawn]
    story.span(
        BAD,
        **text,
        kind="generation",
        level="error",
        input=[
            chat_message("system", BAD),
            chat_message("user", BAD),
            chat_message(BAD, BAD),
            {"role": "user", "content": parts},
        ],
        output=[{"role": "assistant", "content": BAD, "tool_calls": [call], "finish_reason": BAD}],
        usage={BAD: 1},
        model_parameters={BAD: BAD},
        metadata={BAD: BAD},
        attributes={BAD: [BAD]},
        events=[{"name": BAD, "time": BAD, "attributes": {"exception.stacktrace": BAD, BAD: BAD}}],
        links=[{"trace_id": BAD, "span_id": BAD, "attributes": {}}],
        resource={BAD: BAD},
        scope={"name": BAD},
        dialect=BAD,
        claimed=(BAD,),
        notes={BAD: {"truncated": True, "size": 1}},
    )
    story.span("warned", BAD, 0.1, 0.2, level="warning", status_message=BAD, kind="tool")
    story.span("orphan", f"gone {BAD}", 0.1, 0.2)
    return story.score(BAD, 1, BAD)


def hostile_price(app: Flask) -> str:
    """Create a price whose texts are hostile; return its id."""
    with app.app_context():
        draft = PriceDraft(
            model=BAD[:200], provider=BAD[:200], note=BAD, rates=Rates(base={"input": Decimal(1)})
        )
        with transaction():
            return create_price("default", draft).price_id


def addresses(app: Flask, price_id: str) -> Iterator[str]:
    """Yield the path of every page that shows traces, sessions, prices or mapping quality.

    New pages are included; a route with an argument of a new name needs a value here.
    """
    known: dict[str, Any] = {
        "project_id": "default",
        "trace_id": ID,
        "session_id": f"session_id {BAD}",
        "price_id": price_id,
    }
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.removeprefix("ui.")
        if name == rule.endpoint or name.endswith("_json") or "GET" not in (rule.methods or ()):
            continue
        # An export is a downloaded file, and has tests of its own.
        if name.endswith("_export") or not any(part in rule.rule for part in SHOWN):
            continue
        with app.test_request_context():
            path = url_for(rule.endpoint, **{arg: known[arg] for arg in rule.arguments})
        for query in QUERIES.get(name, [""]):
            yield f"{path}?{query}" if query else path
