"""The Context tab of a generation, and the same answer by API."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage
from tracer.records import Json

TRACE = "c" * 32
DAY = "2026-01-02T03:0{}:00Z"
SYSTEM = "You are an agent. Today is {}. " * 60


def chat(day: str, turns: int) -> list[dict[str, str]]:
    start = [{"role": "system", "content": SYSTEM.format(*[day] * 60)}]
    return start + [{"role": "user", "content": f"question {n} " * 40} for n in range(turns)]


def send(client: FlaskClient, **spans: dict[str, Any]) -> None:
    root = {"id": "root", "trace_id": TRACE, "name": "agent", "start_time": DAY.format(0)}
    items = [root]
    for number, (span_id, fields) in enumerate(spans.items()):
        start = DAY.format(number + 1)
        items.append({
            "id": span_id,
            "trace_id": TRACE,
            "parent_span_id": "root",
            "kind": "generation",
            "name": span_id,
            "model": "gpt-4o",
            "start_time": start,
            "end_time": start,
            **fields,
        })  # fmt: skip
    answer = client.post("/api/v1/batch", json={"spans": items})
    assert answer.get_json()["refused"] == 0, answer.text


def send_two(client: FlaskClient, cache_read: int, before: Json, now: Json) -> None:
    usage = {"input": 9_000, "cache_read": cache_read}
    send(client, before={"input": before, "usage": usage}, now={"input": now, "usage": usage})


def test_the_tab_shows_what_was_sent_again_and_why_the_cache_missed(
    client: FlaskClient, get_page: GetPage
) -> None:
    send_two(client, 0, chat("Monday", 2), chat("<b>Tuesday</b>", 3))
    page = get_page(f"/traces/{TRACE}/span?id=now&tab=context", fragment=True)
    headings = [heading.text for heading in page.all("h2")]
    assert any(heading.endswith("% was sent before") for heading in headings)
    assert [link["class"] for link in page.one(css="context").all("a")] == [
        "changed",
        "known",
        "known",
        "new",
    ]
    assert "differs from message 1 on" in page.text
    assert page.all("del")[0].text == "Monday"
    assert "<b>Tuesday" in page.one("pre").text
    links = [link["href"] for link in page.all("a") if link.text == "before"]
    assert [link.endswith("span=before&tab=context") for link in links] == [True]
    table = page.one("table", "messages").one("tbody")
    cells = [[cell.text for cell in row.all("td")] for row in table.all("tr")]
    costs = page.one("div", aria_label="What the input cost").one("tbody").all("tr")
    assert [row.all("td")[0].text for row in costs] == ["sent before, not cached", "new or changed"]
    assert sum(int(row.all("td")[1].text.replace(",", "")) for row in costs) == 9_000
    assert [[bool(cell.text) for cell in row.all("td")[2:]] for row in costs] == [
        [True, True, True],
        [True, False, False],
    ]
    assert [row[:2] for row in cells] == [
        ["1", "system"],
        ["2", "user"],
        ["3", "user"],
        ["4", "user"],
    ]


def test_a_first_call_has_nothing_to_be_compared_with(
    client: FlaskClient, get_page: GetPage
) -> None:
    send(client, only={"input": chat("Monday", 2)})
    page = get_page(f"/traces/{TRACE}/span?id=only&tab=context", fragment=True)
    assert "no earlier call of this model" in page.text
    root = get_page(f"/traces/{TRACE}/span?id=root", fragment=True)
    assert "Context" not in root.one("nav", "tabs").text


def test_the_api_answers_the_same(client: FlaskClient) -> None:
    send(
        client,
        other_model={"input": chat("Monday", 2), "model": "other"},
        before={"input": chat("Monday", 2), "usage": {"input": 6_000}},
        now={"input": chat("Monday", 3), "usage": {"input": 1_000, "cache_read": 7_000}},
    )
    answer = client.get(f"/api/v1/traces/{TRACE}/spans/now/context").get_json()["context"]
    assert answer["previous_id"] == "before"
    assert [message["state"] for message in answer["messages"]] == ["cached"] * 3 + ["new"]
    assert answer["miss"] is None
    assert answer["input_tokens"] == 8_000
    first = client.get(f"/api/v1/traces/{TRACE}/spans/before/context").get_json()
    assert first == {"context": None}
    assert client.get(f"/api/v1/traces/{TRACE}/spans/none/context").status_code == 404


def test_calls_below_steps_of_one_agent_are_compared(client: FlaskClient) -> None:
    steps = [
        {"id": f"step{n}", "trace_id": TRACE, "parent_span_id": "root", "start_time": DAY.format(n)}
        for n in (1, 2)
    ]
    client.post("/api/v1/batch", json={"spans": steps})
    send(
        client,
        before={"input": chat("Monday", 2), "parent_span_id": "step1"},
        now={"input": chat("Monday", 3), "parent_span_id": "step2"},
    )
    answer = client.get(f"/api/v1/traces/{TRACE}/spans/now/context").get_json()["context"]
    assert answer["previous_id"] == "before"


def test_calls_deep_below_steps_of_their_own_are_compared(client: FlaskClient) -> None:
    steps = [
        {
            "id": f"step{n}{depth}",
            "trace_id": TRACE,
            "parent_span_id": f"step{n}{depth - 1}" if depth else "root",
            "start_time": DAY.format(n),
        }
        for n in (1, 2)
        for depth in range(3)
    ]
    client.post("/api/v1/batch", json={"spans": steps})
    send(
        client,
        before={"input": chat("Monday", 2), "parent_span_id": "step12"},
        now={"input": chat("Monday", 3), "parent_span_id": "step22"},
    )
    answer = client.get(f"/api/v1/traces/{TRACE}/spans/now/context").get_json()["context"]
    assert answer["previous_id"] == "before"


def test_the_statistics_of_the_trace_add_the_calls_up(
    client: FlaskClient, get_page: GetPage
) -> None:
    calls = {
        f"call{n}": {"input": chat("Monday", n + 1), "usage": {"input": 1_000 * n + 2_000}}
        for n in range(4)
    }
    send(client, **calls)
    page = get_page(f"/traces/{TRACE}/statistics").one(css="context-totals")
    assert page.all("h2")[0].text.endswith("% of the input was sent again")
    assert len(page.one(css="sizes").all("a")) == 4
    assert page.one("tbody").all("tr")
    answer = client.get(f"/api/v1/traces/{TRACE}/context").get_json()
    assert [step["input_tokens"] for step in answer["steps"]] == [2_000, 3_000, 4_000, 5_000]
    assert answer["input_tokens"] == 14_000
    assert 8_000 < answer["sent_before"] < 12_000
    assert client.get("/api/v1/traces/none/context").status_code == 404


def test_a_trace_with_nothing_sent_again_has_no_such_part(
    client: FlaskClient, get_page: GetPage
) -> None:
    send(client, only={"input": chat("Monday", 2), "usage": {"input": 2_000}})
    assert not get_page(f"/traces/{TRACE}/statistics").all(css="context-totals")


def test_the_input_shows_what_is_new_and_folds_what_was_sent_before(
    client: FlaskClient, get_page: GetPage
) -> None:
    send_two(client, 1_000, chat("Monday", 3), chat("Monday", 5))
    shown = get_page(f"/traces/{TRACE}/span?id=now", fragment=True)
    known = shown.one("p", "fold")
    assert known.text.startswith("4 messages sent before, about ")
    assert [turn.text.startswith("user") for turn in shown.one(id="input").all("article")] == [
        True,
        True,
    ]
    assert "question 4" in shown.one(id="input").text
    assert "question 2" not in shown.one(id="input").text
    terms = {
        each.one("dt").text: each.one("dd").text for each in shown.one("dl", "figures").all("div")
    }
    assert terms["Sent before"].endswith(" %")
    assert terms["From cache"] == "10 %"
    assert len(shown.one(css="context").all("a")) == 6
    everything = get_page(f"/traces/{TRACE}?span=now&all=1")
    assert "question 2" in everything.one(id="input").text
    assert everything.one("small", "choice").one("a", aria_current="true").text == "All messages"
    first = get_page(f"/traces/{TRACE}/span?id=before", fragment=True)
    assert not first.all("p", "fold")


def test_a_cache_that_a_changing_prefix_breaks_is_a_finding(
    client: FlaskClient, get_page: GetPage
) -> None:
    usage = {"input": 110_000, "cache_read": 0}
    calls = {f"call{n}": {"input": chat(f"day {n}", n + 2), "usage": usage} for n in range(3)}
    send(client, **calls)
    root = {"id": "root", "trace_id": TRACE, "end_time": DAY.format(9)}
    client.post("/api/v1/batch", json={"spans": [{**root, "start_time": DAY.format(0)}]})
    claims = [claim.text for claim in get_page(f"/traces/{TRACE}/findings").all("p", "claim")]
    assert any(claim.startswith("Message 1 (system) changes from call") for claim in claims)
    assert "3 calls fill more than 80 % of the context window of gpt-4o" in claims
