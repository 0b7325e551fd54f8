"""Whatever an application sends is text on the page, in every field that is shown anywhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient

from tests.ui.conftest import Tell
from tests.ui.dom import Element, parse
from tests.ui.stories import Story, say

BAD = """"'><script>alert(1)</script><img src=x onerror=alert(2) hx-get="/evil"><!--"""
ID = "e" * 32
TAGS = {"script", "img", "iframe", "object", "embed", "style", "base", "form"}


def hostile() -> Story:
    told: dict[str, Any] = {
        field: f"{field} {BAD}"
        for field in ("name", "user_id", "session_id", "environment", "release", "version")
    }
    story = Story(ID, **told, tags=[BAD], input=BAD, output=BAD, metadata={BAD: BAD})
    text: dict[str, Any] = {
        name: f"{name} {BAD}"
        for name in (
            "name",
            "status_message",
            "model",
            "requested_model",
            "provider",
            "prompt_name",
        )
    }
    call = {
        "id": BAD,
        "type": "function",
        "function": {"name": BAD, "arguments": f'{{"x": "{ID}"}}'},
    }
    story.span(
        BAD,
        **text,
        kind="generation",
        level="error",
        input=[say("system", BAD), say("user", BAD), say(BAD, BAD)],
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
        notes={BAD: {"truncated": True, "size": 1}},
    )
    story.span("orphan", f"gone {BAD}", 0.1, 0.2)
    return story.score(BAD, 1, BAD)


def check(page: Element) -> None:
    """Fail where hostile text has become markup."""
    ours = {element["src"] for element in page.all("script") if "src" in element.attributes}
    assert all(source.startswith("/static/") for source in ours)
    assert len(page.all("script")) == len(ours)
    for element in page:
        assert element.tag not in TAGS - {"script", "form"}, element.tag
        assert not [name for name in element.attributes if name.startswith("on")]
        assert element.attributes.get("hx-get", "/project/").startswith("/project/default/") or (
            "hx-get" not in element.attributes
        )
        assert not element.attributes.get("href", "").lower().startswith(("javascript:", "data:"))


def test_hostile_text_stays_text(client: FlaskClient, tell: Tell) -> None:
    tell(hostile())
    span = quote(BAD, safe="")
    base = f"/project/default/traces/{ID}"
    pages = [
        "/project/default/traces",
        f"/project/default/traces?name={span}&tag={span}&user={span}&from=7d",
        "/project/default/sessions",
        f"/project/default/sessions/{quote(f'session_id {BAD}', safe='')}",
        base,
        *(f"{base}?tab={tab}" for tab in ("metadata", "scores")),
        f"{base}?span={quote(f'gone {BAD}', safe='')}",
        *(f"{base}?span={span}&tab={tab}" for tab in ("io", "metadata", "events", "scores", "raw")),
        f"{base}?span={span}&raw=1",
        f"{base}/value?id={span}&at=/attributes",
        *(f"{base}/log{more}" for more in ("", f"?q={span}", f"?kind={span}&level={span}")),
        f"{base}/log?span={span}",
        *(f"{base}/{view}?span={span}" for view in ("transcript", "findings", "statistics")),
        f"{base}/statistics?sort={span}",
        *(f"{base}?q={more}" for more in (span, f"script&span={span}")),
        f"{base}/{span}",
        f"/project/{span}/traces",
    ]
    for url in pages:
        answer = client.get(url, environ_overrides={"RAW_URI": url})
        assert answer.status_code in (200, 404), url
        check(parse(answer.text))
