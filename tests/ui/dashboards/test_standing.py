"""Where a trace or span stands among those of its name: in words, and in the distribution."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.measure.answer import Bin
from tracer.store.rollups import fold
from tracer.ui.dashboards.standing import quantile, rank


def test_a_value_is_ranked_by_the_bins_below_it() -> None:
    bins = [Bin(0, 0, 10, [], ""), Bin(1, 2, 40, [], ""), Bin(2, 4, 50, [], "")]
    assert [rank(bins, value) for value in (0, 0.5, 1.5, 3, 9)] == [5, 10, 30, 75, 100]
    assert quantile(bins, 0.5) == pytest.approx(2)
    assert quantile(bins, 0.75) == pytest.approx(3)
    assert rank([], 1) is None
    assert quantile([], 0.5) is None


@pytest.fixture
def calls(store_traces: StoreTraces) -> None:
    """Thirty traces of one name, the last of which is slow and dear; one of another name."""
    traces = [
        TraceBuilder(f"{number:032}", now() - (number * 3600 + 60) * SECOND, name="answer")
        .span("root", None, 0, 60 if number == 29 else 1 + number / 100, name="answer")
        .generation("call", "root", 0, 1, name="ask", first_token=0.2)
        for number in range(30)
    ]
    other = TraceBuilder("o" * 32, name="other").span("root", None, 0, 1)
    store_traces(*traces, other)


@pytest.mark.usefixtures("calls")
def test_a_slow_trace_is_ranked_and_marked(get_page: GetPage) -> None:
    slow = f"/traces/{29:032}/standing"
    links = get_page(slow, fragment=True).all("a")
    assert links[0].one("b").text.startswith("Slower than 9")
    assert "% of answer in 7 days (p50 1." in links[0].text
    page = get_page(slow)
    assert [tile.one("h2").text for tile in page.all("section", "tile")] == [
        *("Duration", "Tokens", "Cost"),
    ]
    assert "this one: 60.0 s" in page.all("section", "tile")[0].text
    span = get_page(f"/traces/{3:032}/standing?id=call", fragment=True)
    assert "to the first token than" in span.text
    few = get_page(f"/traces/{'o' * 32}/standing", fragment=True)
    assert "too few of this name" in few.text
    get_page("/traces/nothing/standing", 404)
    get_page(f"{slow}?id=nothing", 404)


@pytest.mark.usefixtures("calls")
def test_what_is_over_the_p95_of_its_name_is_bold(database_url: str, get_page: GetPage) -> None:
    with psycopg.connect(database_url) as connection:
        while fold.fold(connection):
            pass
        connection.commit()
    rows = get_page("/traces?sort=-latency").one("tbody").all("tr")
    times = [row.one("td", "time") for row in rows]
    assert [("hi" in cell.classes, cell.text) for cell in times[:2]] == [
        *((True, "60.0 s"), (False, "1.28 s")),
    ]
    slow = f"/traces/{29:032}"
    (link,) = [link for link in get_page(slow).one(id="panel").all("a") if link.all("b")]
    assert link.text.startswith("slower than 9")
    assert link["href"] == f"/project/default{slow}/standing"
    span = get_page(f"{slow}?span=call").one(id="panel")
    assert "of ask in 7 days (p50 " in span.text
