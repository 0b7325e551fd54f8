"""Every page in both themes: no serious accessibility fault, nothing wider than its window."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.pages.browser import WIDTHS, OpenPage
from tests.support.pages.browser import accessibility_faults as faults
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace, chat_message, wide_trace
from tests.support.pages.worst_cases import WORST_CASES
from tracer.store.database.session import transaction
from tracer.store.library.dataset_runs import add_run_item, save_run
from tracer.store.library.datasets import save_dataset, save_item
from tracer.store.library.prompts import PromptDraft, create_version

AGENT = "a" * 32
PAGES = [
    "/traces",
    "/traces?q=name:resolve_ticket+-status:error",
    "/traces?q=latncy:>2s&last=name:resolve_ticket",
    "/bulk?q=&action=score",
    "/jobs",
    f"/compare?now={AGENT}&then={'b' * 32}&span=plan",
    "/differs?q=name:resolve_ticket",
    "/query-help",
    "/go?to=res",
    "/traces?q=name:nothing",
    f"/traces/{AGENT}",
    *(
        f"/traces/{AGENT}?span=plan&tab={tab}"
        for tab in ("io", "metadata", "scores", "mapping", "raw")
    ),
    f"/traces/{AGENT}?span=refund&tab=events",
    f"/traces/{AGENT}?span=told&tab=mapping",
    f"/traces/{'b' * 32}?span=child-0120",
    f"/traces/{AGENT}?span=gone",
    f"/traces/{AGENT}/log?q=refund",
    f"/traces/{AGENT}/log?span=plan",
    *(f"/traces/{AGENT}/{view}?span=plan" for view in ("transcript", "statistics", "findings")),
    f"/traces/{AGENT}/value?id=refund2&at=/input",
    *("/sessions", "/sessions/chat_91c2", "/users", "/users/user-417"),
    *("/generations?live=1", "/spans?columns=name:200,input,score.helpful"),
    "/histogram?over=latency",
    "/mapping",
    "/prompts",
    "/prompts/faq",
    "/datasets/faq",
    "/datasets/faq/runs/v2",
    "/datasets/faq/compare?run=v1&run=v2",
    "?tiles=inline",
    "/dashboards",
    "/dashboards/home/tiles/7",
    "/comparison",
    f"/traces/{AGENT}/standing",
    "/settings",
    "/settings/keys",
    "/settings/projects",
    "/settings/server",
    "/prices?model=gpt-4o",
    "/prices/new",
]


def store_library() -> None:
    """Store a dataset with two runs, and a prompt with two versions."""
    dataset = save_dataset("default", "faq", {"description": "Questions"}).dataset_id
    save_item("default", dataset, "i", {"input": {"q": "Why?"}, "expected_output": "Because"})
    for name, trace_id in (("v1", AGENT), ("v2", "f" * 32)):
        run = save_run("default", dataset, name, None, {"model": "gpt-4o"})
        add_run_item("default", run.run_id, "i", trace_id, None)
    for text in ("Answer {{question}}.", "Answer {{question}} in {{language}}."):
        message = chat_message("system", text)
        create_version("default", PromptDraft(name="faq", type="chat", prompt=[message]))


@pytest.fixture
def stories(app: Flask, store_traces: StoreTraces) -> None:
    with app.app_context(), transaction():
        store_library()
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"n": [1]}'}}
    text = "# Why\n\n```python\nx = 1\n```\n\n[a](https://b.example)"
    messages = [chat_message("system", "Be brief."), chat_message("user", text)]
    messages.append({"role": "assistant", "tool_calls": [call]})
    rich = agent_trace(release="2026.11.20").generation("answer", "root", 6, 8, input=messages)
    rich.span("late", "gone", 6, 7, flags=["truncated"]).span("open", "root", 8, None)
    names = [f"llm.input_messages.{n}.message.content" for n in range(9)]
    fields = {"model": "house-model", "input": ["hi"] * 9, "usage": {"input": 1}}
    claimed = ("llm.model_name", "llm.token_count.prompt", *names)
    rich.span(
        "told", "root", 8, 9, claimed=claimed, attributes={"mine": 1, "user.id": "u"}, **fields
    )
    rich.score("helpful", 1, "plan").score("kind", 0.5)
    broken = {"name": "exception", "attributes": {"exception.stacktrace": "Traceback\n" * 40}}
    rich.span("refund2", "root", 8, 9, events=[broken], input={"a": {"b": ["c"] * 120}})
    failed = TraceBuilder("f" * 32, name="failed", session_id="chat_91c2")
    failed.span("r", None, 0, 1, level="error", status_message="no")
    store_traces(rich, wide_trace(), failed)


@pytest.mark.usefixtures("stories")
def test_every_page_is_accessible_in_both_themes_and_fits_every_window(open_page: OpenPage) -> None:
    page = open_page("/project/default/traces")
    site = page.url.partition("/project/")[0]
    problems: list[str] = []
    for path in PAGES:
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(f"{site}/project/default{path}")
        page.emulate_media(color_scheme="light")
        problems += [f"{path}: {fault}" for fault in faults(page)]
        # What else there is to find in the dark is found in the light.
        page.emulate_media(color_scheme="dark")
        colours = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
        problems += [f"{path}, dark: {fault}" for fault in faults(page, colours)]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if (scroll_width := page.evaluate("document.documentElement.scrollWidth")) > width:
                problems.append(f"{path}: {scroll_width} px in a window of {width} px")
    assert problems == []


def test_the_worst_cases_are_accessible_and_fit(
    store_traces: StoreTraces, open_page: OpenPage
) -> None:
    store_traces(*(story() for story in WORST_CASES.values()))
    page = open_page("/project/default/traces")
    site = page.url
    for number, name in enumerate(WORST_CASES, 1):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{site}/{str(number) * 32}")
        assert faults(page) == [], name
        page.set_viewport_size({"width": 390, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
