"""Time breakdown, transcript, statistics and findings, as a browser without scripts gets them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace, chat_message

AGENT = "a" * 32
BASE = f"/traces/{AGENT}"
FIND = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"n": "7"}'}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def talk() -> TraceBuilder:
    """Return a conversation whose second call sends the first again, and some faults."""
    question, called = (
        chat_message("user", "Where is **it**?"),
        {"role": "assistant", "tool_calls": [FIND]},
    )
    tools = [{"type": "function", "function": {"name": "find", "parameters": SCHEMA}}]
    story = TraceBuilder(AGENT, name="talk").span("root", None, 0, 94, kind="agent")
    story.generation("ask", "root", 0, 40, input=[question], output=[called], tools=tools)
    for n in range(3):
        fields = {"input": {"n": "7"}, "output": {"state": "sent"} if n == 2 else None}
        level = {"level": "error", "status_message": "no"} if n < 2 else {}
        story.span(f"find{n}", "root", 41 + n, 42 + n, kind="tool", name="find", **fields, **level)
    result = {"role": "tool", "tool_call_id": "c1", "content": '{"state": "sent"}'}
    story.generation(
        "answer",
        "root",
        60,
        90,
        input=[question, called, result],
        output=[chat_message("assistant", "On its way.")],
        finish_reasons=["length"],
    )
    return story


def test_the_headline_adds_up_on_every_page_of_a_trace(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(talk())
    for path in ("", "/log", "/transcript", "/statistics", "/findings"):
        shown = get_page(BASE + path)
        assert shown.one(css="breakdown").one("p").text == (
            "94.0 s = 70.0 s model (2 calls, 2 in sequence) + 3.00 s tools + 21.0 s gaps"
        )
        parts = shown.one(css="split").all("i")
        assert [part["style"] for part in parts] == ["--w:74.47", "--w:3.19", "--w:22.34"]
        views = shown.one("nav", "views")
        assert [link.text for link in views.all("a")] == [
            *("Tree", "Transcript", "Log", "Statistics", "Findings 4"),
        ]
        assert len(views.all("a", aria_current="page")) == 1


def test_the_headline_of_a_running_or_partial_trace_is_labelled(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(
        TraceBuilder(AGENT, name="x").span("r", None, 0, None).span("o", "gone", 1, 2, kind="tool")
    )
    text = get_page(BASE).one(css="breakdown").one("p").text
    assert text.endswith("so far some spans not received")


def test_each_message_is_in_the_transcript_once(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(talk())
    steps = get_page(f"{BASE}/transcript").one("ol", "transcript").children
    steps = [step for step in steps if isinstance(step, Element)]
    assert [step.all("header")[0].all("a")[0].text for step in steps] == [
        *("ask", "find", "find", "find", "answer"),
    ]
    assert "Where is it?" in steps[0].text
    assert "find" in steps[0].one(css="call").text
    assert "no" in steps[1].one(css="alert").text
    assert "sent" in steps[3].text
    assert not steps[3].all(css="user")
    assert "3 messages repeated from above" in steps[4].one(css="fold").text
    assert "On its way." in steps[4].text
    assert "Where is" not in steps[4].text
    link = steps[4].all("a", title="Show it in the tree")[0]
    assert link["href"] == f"/project/default{BASE}?span=answer"


def test_a_long_transcript_is_shown_in_pages_without_repeats(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    story, sent = (
        TraceBuilder(AGENT, name="long").span("root", None, 0, 99),
        [chat_message("user", "q0")],
    )
    for n in range(45):
        answer = chat_message("assistant", f"a{n}")
        story.generation(f"g{n:02}", "root", n, n + 1, input=list(sent), output=[answer])
        sent += [answer, chat_message("user", f"q{n + 1}")]
    store_traces(story)
    first = get_page(f"{BASE}/transcript")
    assert len(first.one("ol", "transcript").all("header")) == 20
    second = parse(client.get(first.one("a", rel="next")["href"]).text)
    start = second.one("ol", "transcript").all("li")[0]
    assert "40 messages repeated from above" in start.one(css="fold").text
    assert "q20" in start.text
    assert "a20" in start.text
    back = parse(client.get(second.one("a", rel="prev")["href"]).text)
    assert back.one("ol", "transcript").text == first.one("ol", "transcript").text


def test_a_search_of_the_transcript_shows_the_messages_with_its_words(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(talk())
    page = get_page(f"{BASE}/transcript?q=where+is&span=find")
    [step] = page.one("ol", "transcript").all(css="exchange")
    assert step.one(css="open").text == "ask"
    assert "Where is it?" in step.text
    assert step.one(css="fold").text == "1 message without these words"
    # The second call sends the question again: it contains the words, but no new message does.
    assert "1 call of this page with these words only in messages shown above" in page.text
    assert "2 calls with these words" in page.one(css="strip").text
    as_sent = page.one("nav", aria_label="Messages of each call").all("a")[1]["href"]
    assert len(parse(client.get(as_sent).text).one("ol", "transcript").all(css="exchange")) == 2
    assert "No message found" in get_page(f"{BASE}/transcript?q=nowhere").one(css="none").text


def test_each_call_is_shown_as_it_was_sent(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(talk())
    steps = get_page(f"{BASE}/transcript?sent=whole").one("ol", "transcript").all(css="exchange")
    assert "Where is it?" in steps[-1].text
    assert "repeated" not in steps[-1].text
    path = f"/project/default{BASE}/transcript.json?sent=whole"
    last = client.get(path).get_json()["data"][-1]
    assert (last["again"], len(last["new"])) == (0, 3)


def test_the_transcript_names_the_agent_where_another_one_continues(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(AGENT, name="team").span("boss", None, 0, 9, kind="agent", level="error")
    story.generation("plan", "boss", 1, 2, input="a", output="b")
    story.span("helper", "boss", 2, 6, kind="agent", level="error")
    story.generation("look", "helper", 3, 4, input="c", output="d")
    story.generation("think", "helper", 4, 5, input="e", output="f")
    story.generation("answer", "boss", 7, 8, input="g", output="h")
    store_traces(story)
    page = get_page(f"{BASE}/transcript")
    names = [link.text for link in page.one("ol", "transcript").all("b") if link.text]
    assert names == ["helper", "boss"]
    assert "agent, 4.00 s, failed" in page.text
    assert page.one("a", href=f"/project/default{BASE}/findings#failed")


def test_statistics_are_sorted_by_the_query_string(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(talk())

    def names(sort: str) -> list[str]:
        table = get_page(f"{BASE}/statistics{sort}").one(css="stats").one("tbody")
        return [row.all("td")[0].text for row in table.all("tr")]

    assert names("") == ["root", "ask", "answer", "find"]
    assert names("?sort=-total") == ["find", "answer", "ask", "root"]
    assert names("?sort=name") == ["answer", "ask", "find", "root"]
    assert names("?sort=errors")[0] == "find"
    assert names("?sort=cost")[-2:] == ["root", "find"]
    row = get_page(f"{BASE}/statistics?sort=errors").one(css="stats").one("tbody").all("tr")[0]
    assert [cell.text for cell in row.all("td")] == [
        *("find", "tool", "", "3", "3.00 s", "1.00 s", "1.00 s", "3.00 s", "", "", "2"),
    ]
    head = get_page(f"{BASE}/statistics").one("th", aria_sort="descending")
    assert head.one("a")["href"] == "?sort=-total"


def test_findings_link_to_their_spans(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(talk())
    findings = get_page(f"{BASE}/findings").one("ul", "findings")
    assert [claim.text for claim in findings.all("p", "claim")][-4:] == [
        "The arguments of find break its schema",
        "find failed twice and was tried again",
        "find called 3 times with the same arguments",
        "1 answer cut off at the token limit",
    ]
    retried = findings.all("ol")[-3]
    selects = [link["href"] for link in retried.all("a") if "link" not in link.classes]
    assert selects == [f"?span=find{n}" for n in range(3)]
    assert [link["href"] for link in retried.all("a", "link")] == [
        f"/project/default{BASE}?span=find{n}" for n in range(3)
    ]


def test_a_failed_trace_shows_what_failed_took_longest_and_cost_most(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(AGENT, name="x").span("root", None, 0, 9, kind="agent", level="error")
    story.span("fetch", "root", 1, 7, kind="tool", level="error", status_message="no byte in 30 s")
    story.generation("plan", "root", 7, 8).generation("again", "root", 8, 8.5)
    store_traces(story)
    findings = get_page(f"{BASE}/findings")
    items = findings.all("li", "finding")
    assert [item.one("h2").text for item in items] == [
        *("What failed", "What took longest", "What cost most")
    ]
    assert items[0].one("p", "claim").text == "fetch failed: no byte in 30 s"
    assert [link["href"] for link in items[0].all("a", "cut")] == ["?span=fetch", "?span=root"]
    assert items[1].one("p", "claim").text == "fetch took 6 s of 9 s"
    assert len(items[0].all("i", "bar")) == 2
    # Any trace has these, so they are not counted as problems.
    assert get_page(BASE).one("nav", "views").all("small") == []


def test_the_headline_of_a_running_trace_counts_the_work_under_way(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(AGENT, name="x").span("root", None, 0, None, kind="agent")
    store_traces(story.span("ask", "root", 0, None, kind="generation", model="m"))
    text = get_page(BASE).one(css="breakdown").one("p").text
    # The trace began a minute ago, and nothing has been received since.
    assert re.match(r"6\d\.\d s = 6\d\.\d s model", text), text


def test_a_trace_without_findings_is_labelled(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(agent_trace())
    findings = get_page(f"{BASE}/findings")
    assert "No issues found" in findings.one(css="foot").text
    checks = findings.one(css="checks").text
    [absent, count] = re.findall(r"(\d+) of (\d+) checks found nothing", checks)[0]
    listed = checks.partition("without a finding: ")[2].partition(".")[0].split(", ")
    assert (int(count), int(absent)) == (7, len(listed))
    assert "Findings" in get_page(BASE).one("nav", "views").text


@pytest.mark.parametrize("path", ["transcript", "statistics", "findings"])
def test_an_empty_trace_has_empty_pages(
    store_traces: StoreTraces, get_page: GetPage, path: str
) -> None:
    store_traces(TraceBuilder(AGENT, name="empty"))
    assert get_page(f"{BASE}/{path}").one(css="none").text


def test_the_json_representations_have_the_same_content(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(talk())

    def read(path: str) -> Any:
        return client.get(f"/project/default{BASE}/{path}").get_json()

    steps = read("transcript.json")["data"]
    assert [step["span"]["id"] for step in steps][-1] == "answer"
    assert (steps[-1]["again"], steps[-1]["new"]) == (3, [])
    groups = read("statistics.json?sort=name")["data"]
    assert [group["name"] for group in groups] == ["answer", "ask", "find", "root"]
    kinds = [finding["kind"] for finding in read("findings.json")["data"]]
    assert kinds == ["schema", "retried", "repeated", "cut"]


def test_the_hits_of_a_search_are_visited_one_by_one_in_the_tree(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(talk())
    hits = get_page(f"{BASE}?q=sent").one(css="hits")
    assert hits.one("a", "link").text == "2 hits"
    first = parse(client.get(hits.one("a", title="Next hit")["href"]).text)
    assert first.one(css="row", aria_current="true")["id"] == "s-find2"
    assert first.one(css="hits").one("a", "link").text == "1 of 2 hits"
    assert not first.all("a", title="Previous hit")
    last = parse(client.get(first.one("a", title="Next hit")["href"]).text)
    assert last.one(css="row", aria_current="true")["id"] == "s-answer"
    assert last.one(css="hits").one("a", "link").text == "2 of 2 hits"
    assert not last.all("a", title="Next hit")
    back = parse(client.get(last.one("a", title="Previous hit")["href"]).text)
    assert back.one(css="hits").text == first.one(css="hits").text
    every = parse(client.get(last.one(css="hits").one("a", "link")["href"]).text)
    assert len(every.one("table", "log").one("tbody").all("tr")) == 2
    ticks = get_page(f"{BASE}?q=sent").one("div", "map").all("rect", "hit")
    starts = {
        row["id"]: row.one("i", "bar")["style"]
        for row in first.all(css="row")
        if "id" in row.attributes
    }
    wanted = [
        starts[f"s-{name}"].partition(";")[0].removeprefix("--x:") for name in ("find2", "answer")
    ]
    assert [int(tick["x"]) for tick in ticks] == [int(float(x) * 2) for x in wanted]
    none = get_page(f"{BASE}?q=zzz").one(css="hits")
    assert none.text == "0 hits"


def test_findings_count_other_traces_of_the_day_with_the_same_error(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    messages = {"t1": 'no "job": 5', "t2": 'no "job": 5', "t3": "another", "t4": None}
    for trace_id, message in messages.items():
        level = {"level": "error", "status_message": message} if message else {}
        store_traces(TraceBuilder(trace_id, name="reply").span("root", None, 0, 1, **level))
    shown = get_page("/traces/t1/findings").one("ul", "findings")
    assert "In the last 24 hours 1 other trace has this error." in shown.text
    [link] = [link for link in shown.all("a", "link") if "other trace" in link.text]
    listed = get_page(link["href"].removeprefix("/project/default"))
    rows = listed.one("tbody").all("a", "open")
    assert [row["href"].partition("?")[0] for row in rows] == ["/project/default/traces/t2"]
    assert "no other trace has this error" in get_page("/traces/t3/findings").text
    assert "has this error" not in get_page("/traces/t4/findings").text
