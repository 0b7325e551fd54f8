"""The timeline of a session: short idle time, cost that adds up, links to failed turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import psycopg
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.dom import parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.store.analyses.activities import read_activities
from tracer.store.analyses.compute import analyse
from tracer.store.traces.sessions import Turn
from tracer.store.traces.traces import get_row
from tracer.ui.session.timeline import Timeline, timeline

START = datetime(2026, 11, 23, 13, 31, 40, tzinfo=UTC)


def turn(number: int, begin: float, end: float, status: str = "completed") -> Turn:
    """Return a trace of a dime between two times, in seconds after the start."""
    times = (START + timedelta(seconds=seconds) for seconds in (begin, end))
    return Turn(str(number), "chat", status, *times, 100 * number, Decimal("0.1"))


def drawn(*turns: Turn) -> Timeline:
    shown = {turn.trace_id: number for number, turn in enumerate(turns, 1)}
    return timeline(turns, START + timedelta(seconds=2000), "/chat", shown)


def test_traces_share_an_axis_on_which_idle_time_is_short() -> None:
    axis = drawn(turn(1, 0, 10), turn(2, 30, 40), turn(3, 1240, 1260, "error"))
    assert [idle.length for idle in axis.idle] == [timedelta(seconds=1200)]
    first, second, third = axis.blocks
    assert (first.x, first.width) == (0, 15.5)
    assert (second.x, second.width) == (46.5, 15.5)
    assert (third.x, third.x + third.width) == (69.0, 100)
    assert axis.ticks == [(0.0, "13:31:40"), (69.0, "13:52:20"), (100.0, "13:52:40")]
    assert axis.total_cost == Decimal("0.3")
    assert axis.cost.endswith("L1000 1.0")
    assert [block.url for block in axis.failed] == ["#t3"]
    assert axis.context == [13.3, 26.7, 40.0]


def test_a_running_trace_reaches_to_now_and_many_pauses_leave_room_for_traces() -> None:
    axis = drawn(turn(1, 0, 10), turn(2, 1990, 1991, "running"))
    assert axis.blocks[1].x + axis.blocks[1].width == 100
    many = drawn(*(turn(n, 1000 * n, 1000 * n + 10) for n in range(30)))
    assert sum(idle.width for idle in many.idle) < 50
    assert drawn(turn(1, 0, 0)).blocks[0].x == 0


def test_the_chip_leads_to_the_failing_turn_on_whatever_page_it_is(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    begin = now() - 3600 * SECOND
    for n in range(35):
        failed = {"level": "error"} if n == 32 else {}
        story = TraceBuilder(f"{n:032}", begin + n * SECOND, name="chat", session_id="chat")
        store_traces(story.span("r", None, 0, 0.5, **failed))
    page = get_page("/sessions/chat")
    assert len(page.one("div", "lane").all("a")) == 35
    link = page.one("a", "bad", title="Go to the first (e: the next)")["href"]
    assert urlsplit(link).fragment == "t1"
    there = parse(client.get(link).text)
    assert there.one(id="t1").one("a", "open")["href"].endswith(f"{32:032}")


def test_each_trace_has_a_picture_of_its_activity_its_tools_and_its_scores(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    begin = now() - 3600 * SECOND
    story = TraceBuilder("a" * 32, begin, name="chat", session_id="chat")
    story.span("root", None, 0, 10).generation("ask", "root", 0, 2)
    story.span("t1", "root", 2, 4, kind="tool", name="find")
    story.span("t2", "root", 4, 8, kind="tool", name="send", level="error")
    story.span("t3", "root", 8, 9, kind="tool", name="find")
    bare = TraceBuilder(
        "b" * 32, begin + 60 * SECOND, name="chat", session_id="chat", tags=["beta"]
    )
    store_traces(story.score("helpful", 0.5), bare)
    page = get_page("/sessions/chat")
    first, second = page.all("section", "exchange")
    assert first.one("aside").one("span", "tag").text == "helpful 0.5"
    assert page.one(css="head").one("a", "tag").text == "beta"
    assert first.one("a", "fold").text == "1 model call, 3 tool calls, 1 error: find, send failed"
    drawn_bars = [
        (rect["class"], rect["x"], rect["width"], rect["y"])
        for rect in first.one("a", "fold").all("rect")
    ]
    assert drawn_bars == [
        ("k-generation", "0.0", "40.0", "0"),
        ("k-tool", "40.0", "40.0", "8"),
        ("err", "80.0", "80.0", "8"),
        ("k-tool", "160.0", "20.0", "8"),
    ]
    assert not second.one("a", "fold").all("rect")


def test_a_trace_that_is_too_large_for_a_session_page_has_a_picture_once_it_is_analysed(
    app: Flask, store_traces: StoreTraces, database_url: str
) -> None:
    story = TraceBuilder("a" * 32, now(), name="chat", session_id="chat").span("root", None, 0, 9)
    for n in range(2_001):
        story.span(f"s{n}", "root", n / 1000, n / 1000 + 0.001, kind="tool")
    store_traces(story)
    with app.app_context():
        rows = [row for row in [get_row("default", "a" * 32)] if row]
        assert read_activities("default", rows) == {}
    with psycopg.connect(database_url) as connection:
        assert analyse(connection, "default", "a" * 32)
    with app.app_context():
        profile = read_activities("default", rows)["a" * 32].profile
    assert profile is not None
    assert sum(profile.counts) > 0
