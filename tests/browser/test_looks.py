"""Every page in both themes: no serious accessibility fault, nothing wider than its window."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Open, Tell
from tests.ui.stories import Story, agent, say, wide
from tests.ui.worst import WORST

AGENT = "a" * 32
PAGES = [
    "/traces",
    "/traces?name=resolve_ticket&status=completed",
    "/traces?name=nothing",
    f"/traces/{AGENT}",
    *(
        f"/traces/{AGENT}?span=plan&tab={tab}"
        for tab in ("io", "metadata", "scores", "understood", "raw")
    ),
    f"/traces/{AGENT}?span=refund&tab=events",
    f"/traces/{AGENT}?span=told&tab=understood",
    f"/traces/{'b' * 32}?span=child-0120",
    f"/traces/{AGENT}?span=gone",
    f"/traces/{AGENT}/log?q=refund",
    f"/traces/{AGENT}/log?span=plan",
    *(f"/traces/{AGENT}/{view}?span=plan" for view in ("transcript", "statistics", "findings")),
    f"/traces/{AGENT}/value?id=refund2&at=/input",
    "/sessions",
    "/sessions/chat_91c2",
    "/understanding",
    "/settings",
    "/prices?model=gpt-4o",
    "/prices/new",
]


@pytest.fixture
def stories(tell: Tell) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"n": [1]}'}}
    text = "# Why\n\n```python\nx = 1\n```\n\n[a](https://b.example)"
    asked = [say("system", "Be brief."), say("user", text)]
    asked.append({"role": "assistant", "tool_calls": [call]})
    rich = agent(release="2026.11.20").generation("answer", "root", 6, 8, input=asked)
    rich.span("late", "gone", 6, 7, flags=["truncated"]).span("open", "root", 8, None)
    names = [f"llm.input_messages.{n}.message.content" for n in range(9)]
    said = {"model": "house-model", "input": ["hi"] * 9, "usage": {"input": 1}}
    claimed = ("llm.model_name", "llm.token_count.prompt", *names)
    rich.span("told", "root", 8, 9, claimed=claimed, attributes={"mine": 1, "user.id": "u"}, **said)
    rich.score("helpful", 1, "plan").score("kind", 0.5)
    broken = {"name": "exception", "attributes": {"exception.stacktrace": "Traceback\n" * 40}}
    rich.span("refund2", "root", 8, 9, events=[broken], input={"a": {"b": ["c"] * 120}})
    failed = Story("f" * 32, name="failed", session_id="chat_91c2")
    failed.span("r", None, 0, 1, level="error", status_message="no")
    tell(rich, wide(), failed)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_fault(stories: None, visit: Open, theme: str) -> None:
    page = visit("/project/default/traces", theme=theme)
    site = page.url.partition("/project/")[0]
    found: list[str] = []
    for path in PAGES:
        page.goto(f"{site}/project/default{path}")
        found += [
            f"{path}: {fault['id']}: {fault['help']}: {node['html'][:200]}"
            for fault in Axe().run(page).response["violations"]
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"][:2]
        ]
    assert found == []


@pytest.mark.parametrize("width", [390, 900, 1440])
def test_no_page_is_wider_than_its_window(stories: None, visit: Open, width: int) -> None:
    page = visit("/project/default/traces", width=width)
    site = page.url.partition("/project/")[0]
    wide_pages = []
    for path in PAGES:
        page.goto(f"{site}/project/default{path}")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide_pages.append(path)
    assert wide_pages == []


def test_the_worst_cases_are_sound_and_fit(tell: Tell, visit: Open) -> None:
    tell(*(story() for story in WORST.values()))
    page = visit("/project/default/traces")
    site = page.url
    for number, name in enumerate(WORST, 1):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{site}/{str(number) * 32}")
        faults = Axe().run(page).response["violations"]
        assert [f["id"] for f in faults if f["impact"] in ("serious", "critical")] == [], name
        page.set_viewport_size({"width": 390, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
