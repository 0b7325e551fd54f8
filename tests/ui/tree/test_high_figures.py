"""Figures that are over the p95 of their name are bold, in the tree and in lists of spans."""

from __future__ import annotations

import pytest

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.store.rollups import fold


@pytest.fixture
def calls(store_traces: StoreTraces, database_url: str) -> str:
    """Store forty traces with a call each, of 1 to 40 seconds; return the slowest one."""
    traces = []
    for number in range(1, 41):
        trace = TraceBuilder(f"{number:032}", now() - number * 100 * SECOND, name="chat")
        trace.span("root", None, 0, 50, kind="agent")
        trace.generation("ask", "root", 0, number)
        trace.span("only once" if number == 40 else f"step {number}", "root", 40, 50)
        traces.append(trace)
    store_traces(*traces)
    fold.fold_all(database_url, lambda: False)
    return f"{40:032}"


def test_the_slowest_call_is_bold_in_the_tree_and_in_the_list(
    get_page: GetPage, calls: str
) -> None:
    page = get_page(f"/traces/{calls}")
    high = [row for row in page.all("div", "row") if row.all("span", "hi")]
    assert [row.one("a").text for row in high] == ["ask"]
    (figure,) = high[0].all("span", "hi")
    assert figure.text == "40.0 s"
    assert figure["title"] == "Over the p95 of its name in 7 days"
    rows = get_page(f"/traces/{calls}/spans?t=0-1-d&depth=1&parent=root", fragment=True)
    assert len(rows.all("span", "hi")) == 1
    listed = get_page("/generations?sort=-latency").one("tbody").all("tr")
    bold = [[cell.classes[:-1] for cell in row.all("td", "hi")] for row in listed[:4]]
    assert sorted(bold[0]) == [["num", "ttft"], ["time", "first"]]
    # 38 and 39 s are within 2 % of each other, so that no order of theirs is known.
    assert bold[1:] == [[], [], []]
    assert not get_page("/traces").all("td", "hi")
