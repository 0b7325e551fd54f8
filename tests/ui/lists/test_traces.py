"""The list of traces and the page of a trace, as a browser without scripts gets them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import FRAGMENT, GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, agent_trace, now, wide_trace

AGENT = "a" * 32
WIDE = "b" * 32


def names(page: Element) -> list[str]:
    """Return the names of the spans in the tree, from top to bottom."""
    rows = [row for row in page.all(css="row") if not {"more", "gap"} & set(row.classes)]
    return [row.one(css="name").all("a")[0].text for row in rows]


def test_the_home_page_leads_to_the_traces(client: FlaskClient) -> None:
    assert client.get("/").headers["Location"] == "/project/default/traces"


def test_a_trace_is_a_row_with_its_main_fields(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    row = get_page("/traces").one("tbody").one("tr")
    cells = {cell.classes[-1]: cell.text for cell in row.all("td") if cell.classes}
    assert row.one("a", "open")["href"] == f"/project/default/traces/{AGENT}"
    assert cells["say"] == "1 errorI was charged twice."
    assert cells["time"] == "9.00 s"
    assert (cells["spans"], cells["tok"], cells["cost"]) == ("6", "2,416", "$0.0099")
    assert (cells["user"], cells["ses"], cells["env"]) == ("user-417", "chat_91c2", "production")
    assert [tag.text for tag in row.all(css="tag")] == ["agent", "billing"]


def test_a_failed_trace_shows_its_error_first(store_traces: StoreTraces, get_page: GetPage) -> None:
    story = TraceBuilder(AGENT, name="x", input="the question")
    store_traces(story.span("r", None, 0, 1, level="error", status_message="ToolTimeout"))
    row = get_page("/traces").one("tbody").one("tr")
    assert row.one("td", "say").one("b", "bad").text == "ToolTimeout"
    assert row.one("td", "st").one("title").text == "Failed"


def test_missing_fields_are_blank_in_the_list(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(TraceBuilder(AGENT, name="x").span("r"))
    row = get_page("/traces").one("tbody").one("tr")
    assert [row.one("td", css).text for css in ("tok", "cost", "user", "ses", "errs")] == [""] * 5


def test_pages_of_the_list_lead_to_each_other(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(
        *(TraceBuilder(f"{n:032}", now() - n * SECOND, name=f"t{n}").span("r") for n in range(120))
    )

    def shown(document: Element) -> list[str]:
        return [link.text for link in document.all("a", "open")]

    first = get_page("/traces")
    assert shown(first) == [f"t{n}" for n in range(50)]
    assert not first.all("a", rel="prev")
    second = parse(client.get(first.one("a", rel="next")["href"]).text)
    assert shown(second) == [f"t{n}" for n in range(50, 100)]
    third = parse(client.get(second.one("a", rel="next")["href"]).text)
    assert shown(third) == [f"t{n}" for n in range(100, 120)]
    assert not third.all("a", rel="next")
    back = parse(client.get(third.one("a", rel="prev")["href"]).text)
    assert shown(back) == shown(second)


def test_filters_narrow_the_list_and_can_be_removed(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(agent_trace(), TraceBuilder(WIDE, name="other", environment="dev").span("r"))
    shown = get_page(
        "/traces?environment=production&tag=agent&user=user-417&from=1h&status=completed"
    )
    assert [link.text for link in shown.all("a", "open")] == ["resolve_ticket"]
    assert len(shown.all("a", "chip")) == 5
    chosen = [option["value"] for option in shown.all("option") if "selected" in option.attributes]
    assert chosen == ["completed", "production", "agent", "1h"]
    chip = next(chip for chip in shown.all("a", "chip") if "env" in chip.text)
    assert "environment" not in chip["href"]
    assert client.get(chip["href"]).status_code == 200


def test_a_list_without_matches_is_explained_and_keeps_its_filters(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    shown = get_page("/traces?name=nothing")
    assert shown.one("section", "none").one("h2").text == "No trace matches"
    assert shown.one("a", "chip")["href"] == "/project/default/traces"


@pytest.mark.parametrize("query", ["?from=yesterday", "?cursor=broken"])
def test_an_invalid_url_is_explained(
    store_traces: StoreTraces, get_page: GetPage, query: str
) -> None:
    store_traces(agent_trace())
    assert get_page(f"/traces{query}", 400).one("h1").text == "Bad Request"


def test_the_tree_opens_its_first_levels(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(agent_trace())
    shown = get_page(f"/traces/{AGENT}")
    assert names(shown) == [
        *("resolve_ticket", "plan", "gather", "search", "lookup", "refund"),
    ]
    depths = [row["style"] for row in shown.all(css="row") if "gap" not in row.classes]
    assert depths == [f"--depth:{depth}" for depth in (0, 1, 1, 2, 2, 1)]


def test_bars_are_placed_on_the_time_axis_of_the_trace(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    bars = [bar["style"] for bar in get_page(f"/traces/{AGENT}").all("i", "bar")]
    assert bars[:2] == ["--x:0.0;--w:100.0", "--x:5.555556;--w:16.666667;--t:20.0"]


def test_a_failed_span_shows_its_reason_in_its_row(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    row = get_page(f"/traces/{AGENT}").one(id="s-refund")
    assert "err" in row.classes
    assert row.one("small", "bad").text == "504 Gateway Timeout"


def test_a_running_trace_is_labelled(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(TraceBuilder(AGENT, name="x").span("r", None, 0, None).span("c", "r", 1, 2))
    shown = get_page(f"/traces/{AGENT}")
    assert shown.one("span", "run").text == "Running"
    assert "run" in shown.one(id="s-r").one("i", "bar").classes
    assert [span.text for span in shown.all("div", "ticks")[0].all("span")][-1] == "now"


def test_a_large_level_is_shown_a_page_at_a_time(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(wide_trace())
    shown = get_page(f"/traces/{WIDE}")
    assert names(shown) == ["root", *(f"child-{n:04}" for n in range(100))]
    more = shown.one("div", "more").one("a")
    rows = get_page(more["hx-get"].removeprefix("/project/default"), fragment=True)
    assert names(rows) == [f"child-{n:04}" for n in range(100, 200)]
    assert [link.text for link in rows.all("div", "more")] == ["Next 100"]


def test_a_level_pages_without_a_script_too(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(wide_trace())
    link = get_page(f"/traces/{WIDE}").one("div", "more").one("a")["href"]
    shown = get_page(f"/traces/{WIDE}{link}")
    assert names(shown) == ["root", *(f"child-{n:04}" for n in range(100, 200))]
    assert [row.text for row in shown.all("div", "more")] == ["100 earlier", "Next 100"]


def test_selecting_a_span_opens_the_page_of_children_it_is_on(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(wide_trace())
    shown = get_page(f"/traces/{WIDE}?span=child-0220")
    assert shown.one(id="s-child-0220")["aria-current"] == "true"
    assert shown.one(id="panel").all("h2")[0].text == "child-0220"
    earlier = shown.all("div", "more")[0].one("a")
    assert earlier.text == "100 earlier"
    rows = get_page(earlier["hx-get"].removeprefix("/project/default"), fragment=True)
    assert names(rows) == [f"child-{n:04}" for n in range(120, 220)]


def test_a_closed_node_loads_its_children_when_it_is_opened(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = wide_trace()
    story.span("leaf", "child-0003", 0.1, 0.2)
    store_traces(story)
    nodes = get_page(f"/traces/{WIDE}").all("div", "node")
    node = next(node for node in nodes if node.all("div", "row")[0]["id"] == "s-child-0003")
    assert "open" not in node.one("details").attributes
    box = node.one("div", "children")
    assert box["hx-trigger"] == "toggle from:'previous .toggle'"
    loaded = get_page(box["hx-get"].removeprefix("/project/default"), fragment=True)
    assert names(loaded.one("div", "children")) == ["leaf"]
    assert loaded.one(id="s-leaf")["style"] == "--depth:2"
    opened = get_page(f"/traces/{WIDE}{box.one('a')['href'].partition('#')[0]}")
    assert "leaf" in names(opened)


def test_bars_of_a_fragment_are_on_the_axis_of_its_page(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(wide_trace())
    more = get_page(f"/traces/{WIDE}").one("div", "more").one("a")["hx-get"]
    rows = get_page(more.removeprefix("/project/default"), fragment=True)
    assert rows.one(id="s-child-0100").one("i", "bar")["style"] == "--x:10.0;--w:5.0"


def test_an_orphan_is_under_a_row_named_by_the_missing_parent(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(TraceBuilder(AGENT, name="x").span("r").span("orphan", "gone-77", 0.1, 0.2))
    shown = get_page(f"/traces/{AGENT}")
    row = shown.one(id="s-gone-77")
    assert "lost" in row.classes
    assert (row.one("a").text, row.one("code").text) == ("not received", "gone-77")
    assert shown.one(id="s-orphan")["style"] == "--depth:1"
    panel = get_page(f"/traces/{AGENT}?span=gone-77").one(id="panel")
    assert panel.one("p", "alert").text.startswith("This span has not been received")


def test_a_path_too_long_to_show_whole_is_shown_from_its_end(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    story = TraceBuilder(AGENT, name="deep")
    for n in range(150):
        story.span(f"n{n}", f"n{n - 1}" if n else None, n * 0.01, 5 - n * 0.01)
    store_traces(story)
    shown = get_page(f"/traces/{AGENT}?span=n149")
    assert shown.one(id="s-n149")["aria-current"] == "true"
    assert "levels above are not shown" in shown.one("div", "gap").text


def test_flags_are_icons_with_an_explanation(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(TraceBuilder(AGENT, name="x").span("r", flags=["truncated", "new_flag"]))
    marks = list(get_page(f"/traces/{AGENT}").one(id="s-r").all("span", "count"))
    assert [mark.text for mark in marks] == ["truncated", "new_flag"]
    assert marks[0]["title"] == "A value exceeded the limit of this server and was truncated."


def test_a_trace_without_spans_is_explained(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(TraceBuilder(AGENT, name="announced", input="hi", output="hello"))
    panel = get_page(f"/traces/{AGENT}").one(id="panel")
    figures = panel.one("dl", "figures").text
    assert "StatusCompleted" in figures
    assert "Spansnone received" in figures
    assert (panel.one(id="input").text, panel.one(id="output").text) == ("hi", "hello")


def test_an_unknown_trace_is_a_page_that_helps(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    shown = get_page("/traces/nope", 404)
    assert "no trace “nope”" in shown.one("main").text
    assert shown.one("main").all("a")[0]["href"] == "/project/default/traces"


def test_an_unknown_span_is_reported_in_the_panel(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    assert get_page(f"/traces/{AGENT}?span=nope").one(id="panel").one("h2").text == "No such span"


@pytest.mark.parametrize("query", ["", "?t=x", "?t=1-2-d&depth=x", "?t=1-2-d&after=zz"])
def test_a_broken_fragment_address_is_a_clear_error(
    store_traces: StoreTraces, get_page: GetPage, query: str
) -> None:
    store_traces(agent_trace())
    get_page(f"/traces/{AGENT}/spans{query}", 400, fragment=True)


def test_ids_may_be_any_text(store_traces: StoreTraces, client: FlaskClient) -> None:
    trace_id, span_id = "a/b?c=d&e#f %2F", "s/1?x=&\"'<"
    store_traces(TraceBuilder(trace_id, name="odd").span(span_id).span("child", span_id, 0.0, 1.0))
    row = parse(client.get("/project/default/traces").text).one("a", "open")
    shown = parse(client.get(row["href"], environ_overrides={"RAW_URI": row["href"]}).text)
    parent, child = shown.all("div", "row")
    assert child.one("a").text == "child"
    panel = parent.one("a")["hx-get"]
    answer = client.get(panel, headers=FRAGMENT, environ_overrides={"RAW_URI": panel})
    assert parse(answer.text).one("code", id="subject").text == span_id


def test_pages_are_private_and_cached_apart_from_their_fragments(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(agent_trace())
    headers = client.get(f"/project/default/traces/{AGENT}").headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert {"HX-Request-Type", "Cookie"} <= set(headers["Vary"].split(", "))


def test_an_update_of_a_growing_trace_keeps_the_search_and_the_tabs(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(agent_trace())
    base = f"/project/default/traces/{AGENT}"
    headers = {**FRAGMENT, "HX-Current-URL": f"http://localhost{base}?q=refund"}
    shown = parse(client.get(f"{base}/live?t=0-1-d", headers=headers).text)
    assert shown.one("a", aria_current="page").text == "Tree"
    assert shown.one("input", name="q")["value"] == "refund"
    assert shown.one(css="hits").one("a", "link").text == "1 hit"
