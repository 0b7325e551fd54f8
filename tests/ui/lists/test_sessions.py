"""Sessions: the list, and the page of one as a conversation of its traces."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.support.pages.dom import parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, chat_message, now


def turn(n: int, start: int, question: str, answer: str | None, **fields: Any) -> TraceBuilder:
    """Return a trace of the session `chat`, which began ``start`` seconds after the first."""
    trace_fields: dict[str, Any] = {
        "name": "chat",
        "session_id": "chat",
        "input": chat_message("user", question),
    }
    if answer is not None:
        trace_fields["output"] = [chat_message("assistant", answer)]
    return TraceBuilder(f"{n:032}", now() - 3600 * SECOND + start * SECOND, **trace_fields).span(
        "r", **fields
    )


def test_a_session_is_shown_as_a_conversation(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(turn(2, 30, "And why?", "So *that*."), turn(1, 0, "What?", "This."))
    exchanges = get_page("/sessions/chat").all("section", "exchange")
    texts = [[message.text for message in exchange.all("article", "msg")] for exchange in exchanges]
    assert texts == [["userWhat?", "assistantThis."], ["userAnd why?", "assistantSo that."]]
    assert exchanges[1].one("a", "open")["href"] == f"/project/default/traces/{2:032}"


def test_only_new_messages_of_a_history_are_shown(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    history = [
        chat_message("system", "S"),
        chat_message("user", "old"),
        chat_message("assistant", "older"),
        chat_message("user", "new"),
    ]
    store_traces(
        TraceBuilder("1", session_id="chat", name="x", input=history, output="done").span("r")
    )
    messages = get_page("/sessions/chat").one("section", "exchange").all("article", "msg")
    assert messages[0].text == "usernew"
    assert messages[1].one("div", "md").text == "done"


def test_long_pauses_are_shown(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(turn(1, 0, "a", "b"), turn(2, 20, "c", "d"), turn(3, 1161, "e", "f"))
    assert [fold.text for fold in get_page("/sessions/chat").all("p", "pause")] == ["19 min idle"]


def test_a_missing_answer_shows_its_reason(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(
        turn(1, 0, "a", None, level="error", status_message="ToolTimeout"),
        turn(2, 10, "b", None),
        turn(3, 20, "c", None, end=None),
    )
    missing = [p.all("span")[-1].text for p in get_page("/sessions/chat").all("p", "msg")]
    assert missing == [
        "No answer: ToolTimeout after 1.00 s",
        "No output was sent",
        "No answer yet: still running",
    ]


def test_totals_are_above_and_the_numbers_of_a_trace_beside_it(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(
        *(
            TraceBuilder(str(n), session_id="chat", name="x").generation("g", None, 0, 1)
            for n in range(3)
        )
    )
    shown = get_page("/sessions/chat")
    assert shown.one("p", "sums").text.endswith("7,248 tokens$0.0303 traces")
    assert [cell.text for cell in shown.one("tfoot").all("td")] == ["Total", "7,248", "$0.030"]
    assert len(shown.one("tbody").all("tr")) == 3


def test_a_long_session_is_shown_a_page_at_a_time(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(*(turn(n, n, f"q{n}", "a") for n in range(40)))
    first = get_page("/sessions/chat")
    assert len(first.all("section", "exchange")) == 30
    later = first.one("a", data_key="n")
    second = parse(client.get(later["href"]).text)
    assert second.all("section", "exchange")[0].all("article")[0].text == "userq30"
    assert second.one("a", data_key="p").text == "Earlier traces"


def test_the_list_leads_to_the_session(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(turn(1, 0, "What?", "This."), TraceBuilder("2", name="alone").span("r"))
    row = get_page("/sessions").one("tbody").one("tr")
    assert row.one("a", "open")["href"] == "/project/default/sessions/chat"
    assert row.one("td", "say").text == "What?"


def test_the_empty_list_explains_sessions(get_page: GetPage) -> None:
    assert "session.id" in get_page("/sessions").one("section", "none").text


def test_an_unknown_session_is_a_page_that_helps(get_page: GetPage) -> None:
    assert "no session “nope”" in get_page("/sessions/nope", 404).one("main").text
