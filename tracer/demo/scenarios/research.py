"""A research agent with parallel sub-agents; one of its traces is still running."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from tracer.demo.calls import FLASH, SONNET, system, user
from tracer.demo.dialects import GEN_AI, About
from tracer.demo.story import App, Story, result, stack, tool_call

APP: Final = App("research", GEN_AI)
_LEAD: Final = system(
    "You lead a research. Split the question, send one searcher out for each part, then write a"
    " report with sources. Three searchers at most."
)
_SEARCHER: Final = system("Find three sources for the question. Prefer primary ones.")


class Topic(NamedTuple):
    """A question, its parts, and the final report."""

    question: str
    parts: Sequence[str]
    report: str


TOPICS: Final = (
    Topic(
        "Compare vector indexes for 40 M documents: HNSW, DiskANN, IVF-PQ. Cost and recall",
        ("HNSW memory at 40 M", "DiskANN latency on NVMe", "IVF-PQ recall at 10"),
        "## Short answer\n\nDiskANN, unless everything fits into memory.\n\n"
        "| index | memory | recall@10 | p95 |\n| --- | ---: | ---: | ---: |\n"
        "| HNSW | 246 GB | 0.98 | 4 ms |\n| DiskANN | 31 GB | 0.96 | 9 ms |\n"
        "| IVF-PQ | 12 GB | 0.87 | 6 ms |\n\nThe figures hold for 1,536 dimensions as `float32`.",
    ),
    Topic(
        "What do we need to change for the accessibility rules on e-books?",
        ("which rules apply to shops", "EPUB accessibility metadata"),
        "1. Show the accessibility metadata of each e-book before it is bought.\n"
        "2. Make the check-out usable with a keyboard alone.\n"
        "3. Publish a statement and a contact.\n\n> Old stock has five more years.",
    ),
    Topic(
        "Why did sales of audiobooks fall in week 46?",
        ("sales by channel", "changes to the shop in week 46", "competitors' offers"),
        "Mostly because the filter *Audiobooks* was missing from the app from Tuesday to Friday:"
        " **81 %** of the drop is in the app, none in the shop’s web pages.",
    ),
)
_BLOCKED: Final = (
    "FetchError",
    "403 Forbidden",
    stack(
        ("research/fetch.py", 34, "fetch", "answer.raise_for_status()"),
        ("research/http.py", 92, "raise_for_status", "raise FetchError(self.status_line)"),
    ),
)


def research(rng: random.Random, start: float, topic: Topic, about: About) -> Story:
    """Return the trace of a finished research."""
    story = Story(APP, rng, start, about)
    with story.step("agent", "research_agent", topic.question) as root:
        _plan(story, topic)
        for number in story.parallel(len(topic.parts)):
            _searcher(story, topic.parts[number], blocked=number == 1)
        thought = "The three agree on memory. They differ on recall, since they measure other data."
        prompt = [_LEAD, user(topic.question), user("\n".join(topic.parts))]
        story.model_call(SONNET, prompt, topic.report, thought=thought, context=18_500, cached=0.62)
        root.set_result(topic.report)
    return story


def running(rng: random.Random, now: float, about: About) -> Story:
    """Return the trace of a research that began seconds before ``now`` and is still running."""
    topic = TOPICS[0]
    story = Story(APP, rng, now - 14, about)
    with story.step("agent", "research_agent", topic.question) as root:
        root.span.running = True
        _plan(story, topic)
        with story.step("agent", "searcher", topic.parts[0]) as searcher:
            searcher.span.running = True
            story.tool(
                "web_search", {"query": topic.parts[0]}, _search_results(topic.parts[0]), 0.8
            )
            with story.step("tool", "read_page", {"url": "https://papers.example/hnsw"}) as page:
                page.span.running = True
    return story


def _plan(story: Story, topic: Topic) -> None:
    calls = [tool_call("send_searcher", question=part) for part in topic.parts]
    thought = f"{len(topic.parts)} parts that do not depend on each other: all at once."
    story.model_call(SONNET, [_LEAD, user(topic.question)], calls, thought=thought, context=2_300)


def _searcher(story: Story, part: str, *, blocked: bool) -> None:
    """Add a sub-agent: search, read pages (a ``blocked`` page at another URL), conclude."""
    with story.step("agent", "searcher", part) as searcher:
        search = tool_call("web_search", query=part)
        prompt = [_SEARCHER, user(part)]
        decision = story.model_call(FLASH, prompt, search, context=900)
        results = _search_results(part)
        story.tool("web_search", search.arguments, results, 0.9)
        for number, page in enumerate(results):
            if blocked and number == 0:
                story.failed_step("tool", "read_page", {"url": page["url"]}, 0.4, _BLOCKED)
                cached = {"url": page["url"], "from": "cache"}
                story.tool("read_page", cached, f"{page['title']} (cached copy)", 0.7)
            else:
                story.tool("read_page", {"url": page["url"]}, page["title"], 1.1)
        text = f"Three sources on “{part}”; the first one measures it, the others quote it."
        conversation = [*prompt, decision, result(search, results)]
        story.model_call(
            FLASH, conversation, text, thought="Which of these measured it?", context=9_400
        )
        searcher.set_result(text)


def _search_results(part: str) -> list[dict[str, str]]:
    slug = part.lower().replace(" ", "-").replace("'", "")
    sites = ("papers", "blog", "docs")
    return [{"title": f"{part} ({s})", "url": f"https://{s}.example/{slug}"} for s in sites]
