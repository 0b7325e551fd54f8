"""Sessions: the list, and one as the conversation that its traces were."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.support.pages.dom import parse
from tests.support.pages.stories import SECOND, Story, now, say
from tests.ui.conftest import Page, Tell


def turn(n: int, at: int, question: str, answer: str | None, **fields: Any) -> Story:
    """Return a trace of the session `chat`, which began ``at`` seconds after the first."""
    told: dict[str, Any] = {"name": "chat", "session_id": "chat", "input": say("user", question)}
    if answer is not None:
        told["output"] = [say("assistant", answer)]
    return Story(f"{n:032}", now() - 3600 * SECOND + at * SECOND, **told).span("r", **fields)


def test_a_session_is_told_as_a_conversation(tell: Tell, page: Page) -> None:
    tell(turn(2, 30, "And why?", "So *that*."), turn(1, 0, "What?", "This."))
    exchanges = page("/sessions/chat").all("section", "exchange")
    said = [[message.text for message in one.all("article", "msg")] for one in exchanges]
    assert said == [["userWhat?", "assistantThis."], ["userAnd why?", "assistantSo that."]]
    assert exchanges[1].one("a", "open")["href"] == f"/project/default/traces/{2:032}"


def test_only_what_is_new_is_repeated_from_a_history(tell: Tell, page: Page) -> None:
    history = [
        say("system", "S"),
        say("user", "old"),
        say("assistant", "older"),
        say("user", "new"),
    ]
    tell(Story("1", session_id="chat", name="x", input=history, output="done").span("r"))
    messages = page("/sessions/chat").one("section", "exchange").all("article", "msg")
    assert messages[0].text == "usernew"
    assert messages[1].one("div", "md").text == "done"


def test_long_pauses_are_said(tell: Tell, page: Page) -> None:
    tell(turn(1, 0, "a", "b"), turn(2, 20, "c", "d"), turn(3, 1161, "e", "f"))
    assert [fold.text for fold in page("/sessions/chat").all("p", "pause")] == ["19 min idle"]


def test_a_missing_answer_says_why(tell: Tell, page: Page) -> None:
    tell(
        turn(1, 0, "a", None, level="error", status_message="ToolTimeout"),
        turn(2, 10, "b", None),
        turn(3, 20, "c", None, end=None),
    )
    missing = [p.all("span")[-1].text for p in page("/sessions/chat").all("p", "msg")]
    assert missing == [
        "No answer: ToolTimeout after 1.00 s",
        "No output was sent",
        "No answer yet: still running",
    ]


def test_totals_stand_above_and_per_trace_beside(tell: Tell, page: Page) -> None:
    tell(
        *(Story(str(n), session_id="chat", name="x").generation("g", None, 0, 1) for n in range(3))
    )
    shown = page("/sessions/chat")
    assert shown.one("p", "sums").text.endswith("7,248 tokens$0.0303 traces")
    assert [cell.text for cell in shown.one("tfoot").all("td")] == ["Total", "7,248", "$0.030"]
    assert len(shown.one("tbody").all("tr")) == 3


def test_a_long_session_is_shown_a_page_at_a_time(
    tell: Tell, page: Page, client: FlaskClient
) -> None:
    tell(*(turn(n, n, f"q{n}", "a") for n in range(40)))
    first = page("/sessions/chat")
    assert len(first.all("section", "exchange")) == 30
    later = first.one("a", data_key="n")
    second = parse(client.get(later["href"]).text)
    assert second.all("section", "exchange")[0].all("article")[0].text == "userq30"
    assert second.one("a", data_key="p").text == "Earlier traces"


def test_the_list_leads_to_the_session(tell: Tell, page: Page) -> None:
    tell(turn(1, 0, "What?", "This."), Story("2", name="alone").span("r"))
    row = page("/sessions").one("tbody").one("tr")
    assert row.one("a", "open")["href"] == "/project/default/sessions/chat"
    assert row.one("td", "say").text == "What?"


def test_the_list_teaches_while_it_is_empty(page: Page) -> None:
    assert "session.id" in page("/sessions").one("section", "none").text


def test_an_unknown_session_is_a_page_that_helps(page: Page) -> None:
    assert "no session “nope”" in page("/sessions/nope", 404).one("main").text
