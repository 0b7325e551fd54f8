"""The list of traces and the page of a trace, as a browser without scripts gets them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import FRAGMENT, GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, agent_trace, now, wide_trace
from tracer.store.metrics import scans
from tracer.store.traces import first_rows

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


def typed(page: Element) -> str:
    """Return the text in the query box."""
    return page.one("div", "query").one("input")["value"]


def shown_names(page: Element) -> list[str]:
    """Return the names of the listed traces."""
    return [link.text for link in page.all("a", "open")]


def test_a_query_narrows_the_list(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(agent_trace(), TraceBuilder(WIDE, name="other", environment="dev").span("r"))
    query = "env:production tag:agent user:user-417 start:>-1h any(kind:tool level:error)"
    shown = get_page(f"/traces?{urlencode({'q': query})}")
    assert shown_names(shown) == ["resolve_ticket"]
    assert typed(shown) == query
    assert shown_names(get_page(f"/traces?{urlencode({'q': f'NOT ({query})'})}")) == ["other"]


def test_older_addresses_with_filters_become_queries(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(agent_trace(), TraceBuilder(WIDE, name="other", environment="dev").span("r"))
    old = "status=completed&environment=production&tag=agent&user=user-417&from=1h&marked=scored"
    answer = client.get(f"/project/default/traces?{old}")
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["Location"]).query)["q"]
    assert query == [
        "status:completed env:production tag:agent user:user-417 start:>=-1h has:score"
    ]
    answer = client.get("/project/default/traces?from=2026-11-23T14:00&to=2026-11-24T14:00")
    assert client.get(answer.headers["Location"]).status_code == 200
    data = client.get("/project/default/traces.json?environment=dev", follow_redirects=True).json
    assert [row["name"] for row in data["data"]] == ["other"]


def test_a_range_of_time_in_the_form_replaces_that_of_the_query(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(agent_trace())
    shown = parse(client.get("/project/default/traces?q=env:production+start:>-1h").text)
    form = shown.one("form", id="range")
    assert form.one("input", name="q")["value"] == "env:production"
    sent = "q=env:production&from=2026-11-23T14:00&to="
    answer = client.get(f"/project/default/traces?{sent}")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)["q"]
    assert query == ["env:production start:>=2026-11-23T14:00"]
    answer = client.get(f"/project/default/generations?{sent}")
    assert "start%3A%3E%3D2026" in answer.headers["Location"]


def test_a_query_with_an_error_is_explained_over_the_list_of_the_last_good_one(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store_traces(agent_trace(), TraceBuilder(WIDE, name="other", environment="dev").span("r"))
    query = {"q": "env:dev latncy:>2s", "last": "env:dev"}
    shown = get_page(f"/traces?{urlencode(query)}")
    assert shown_names(shown) == ["other"]
    error = shown.one(id="why")
    assert "character 9: no field is called latncy" in error.text
    assert [part.text for part in shown.all("span", "wrong")] == ["latncy"]
    suggestion = error.one("a", "btn")
    assert suggestion.text == "latency"
    assert parse_qs(urlsplit(suggestion["href"]).query)["q"] == ["env:dev latency:>2s"]
    assert client.get(suggestion["href"]).status_code == 200


def test_facets_count_values_and_their_links_edit_the_query(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    other = TraceBuilder(WIDE, name="other", environment="dev").span("r").score("thumbs", 0)
    store_traces(agent_trace().score("helpful", 0.75), other)

    def facet(page: Element, value: str) -> Element:
        return next(row for row in page.all("div", "facet") if row.all("a")[0].text == value)

    shown = get_page("/traces")
    assert facet(shown, "production").one("data").text == "1"
    only = parse(client.get(facet(shown, "dev").all("a")[0]["href"]).text)
    assert shown_names(only) == ["other"]
    assert typed(only) == "env:dev"
    chosen = facet(only, "dev").all("a")[0]
    assert chosen["aria-current"] == "true"
    assert chosen["href"] == "/project/default/traces"
    without = parse(client.get(facet(shown, "dev").one("a", "not")["href"]).text)
    assert typed(without) == "-env:dev"
    assert shown_names(without) == ["resolve_ticket"]
    assert facet(shown, "helpful:>=0.5").one("data").text == "1"
    scored = parse(client.get(facet(shown, "thumbs:0").all("a")[0]["href"]).text)
    assert (typed(scored), shown_names(scored)) == ("score.thumbs:0", ["other"])
    assert not [row for row in scored.all("div", "facet") if "helpful:" in row.text]


def test_facets_keep_the_other_values_of_a_field_and_add_up_ranges(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    def facets(q: str) -> dict[str, Element]:
        page = get_page(f"/traces?{urlencode({'q': q})}")
        return {row.all("a")[0].text: row for row in page.all("div", "facet")}

    def query_of(link: Element) -> str:
        return parse_qs(urlsplit(link["href"]).query)["q"][0]

    lengths = {"1": 2, "2": 20, "3": 200}
    store_traces(
        *(
            TraceBuilder(n * 32, now() - length * SECOND, name=f"name-{n}").span(
                "r", None, 0, length
            )
            for n, length in lengths.items()
        )
    )
    shown = facets("name:name-1")
    assert (shown["name-2"].one("data").text, shown["1s..3s"].one("data").text) == ("1", "1")
    assert "10s..30s" not in shown
    assert query_of(shown["name-2"].all("a")[0]) == "name:name-1,name-2"
    shown = facets("latency:10s..30s")
    assert query_of(shown[">2min"].all("a")[0]) == "latency:10s..30s,>2min"
    above = next(link for link in facets("")["10s..30s"].all("a", "not") if link.text == "≥")
    assert query_of(above) == "latency:>=10s"


def test_a_list_that_reads_many_spans_ends_in_time_and_goes_on(
    store_traces: StoreTraces, get_page: GetPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_rows, "READ_SECONDS", -1.0)
    monkeypatch.setattr(first_rows, "_FIRST_STEP", 3)
    for n in range(8):
        kind = "tool" if n in (0, 5) else "agent"
        store_traces(TraceBuilder(str(n) * 32, now() - n * SECOND).span("r", kind=kind, name="x"))
    for sort in ("-start", "cost"):
        address = f"/traces?{urlencode({'q': 'any(kind:tool name:x)', 'sort': sort})}"
        trace_ids, pages = [], 0
        while address:
            page = get_page(address)
            trace_ids += [urlsplit(link["href"]).path[-32:] for link in page.all("a", "open")]
            on = next((link for link in page.all("a") if link.text == "Search on"), None)
            assert (on is None) or "among the 3" in page.one("main").text
            address, pages = on["href"].partition("/project/default")[2] if on else "", pages + 1
        assert (sorted(trace_ids), pages) == (["0" * 32, "5" * 32], 3)


def test_the_chart_names_what_scans_a_large_table(
    store_traces: StoreTraces, get_page: GetPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_traces(agent_trace())
    assert "scan" not in get_page("/histogram?sort=-cost").one("div", "sumline").text
    monkeypatch.setattr(scans, "LARGE", 0)
    assert "list" in get_page("/histogram?sort=-cost").one("div", "sumline").one("small").text


def test_the_list_is_sorted_by_its_headings(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    stories = [TraceBuilder(f"{n:032}", name=f"n{n}").span("r", None, 0, n) for n in (1, 3, 2)]
    store_traces(*stories)
    heading = next(th for th in get_page("/traces").all("th") if th.text == "Duration")
    slowest = parse(client.get(heading.one("a")["href"]).text)
    assert shown_names(slowest) == ["n3", "n2", "n1"]
    heading = slowest.one("th", "time")
    assert heading["aria-sort"] == "descending"
    fastest = parse(client.get(heading.one("a")["href"]).text)
    assert shown_names(fastest) == ["n1", "n2", "n3"]


def test_the_reader_chooses_the_columns_also_keys_of_the_metadata(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    shown = get_page("/traces?columns=cost,name&columns=metadata.plan&columns=score.helpful")
    assert [th.text for th in shown.all("th")][1:] == ["Status", "Cost", "Name", "plan", "helpful"]
    menu = shown.one(id="columns")
    assert next(a for a in menu.all("a") if a["title"] == "Hide Cost")["href"].endswith(
        "columns=name%2Cmetadata.plan%2Cscore.helpful"
    )
    for name in ("metadata.plan", "score.helpful"):
        key = name.partition(".")[2]
        heading = next(th for th in shown.all("th") if th.text == key)
        sorted_by = get_page(heading.one("a")["href"].removeprefix("/project/default"))
        sorted_heads = [th for th in sorted_by.all("th") if "aria-sort" in th.attributes]
        assert [th["aria-sort"] for th in sorted_heads] == ["descending"]
        assert sorted_heads[0].text.startswith(key)


def test_a_list_without_matches_is_explained_and_keeps_its_query(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    shown = get_page("/traces?q=name:nothing")
    assert shown.one("section", "none").one("h2").text == "No trace matches"
    assert typed(shown) == "name:nothing"


@pytest.mark.parametrize("query", ["?sort=nothing", "?cursor=broken"])
def test_an_invalid_url_is_explained(
    store_traces: StoreTraces, get_page: GetPage, query: str
) -> None:
    store_traces(agent_trace())
    assert get_page(f"/traces{query}", 400).one("h1").text == "Bad Request"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("sta", ["status:", "start:"]),
        ("status:e", ["error"]),
        ("name:res", ["resolve_ticket"]),
        ("env:prod", ["production"]),
        ("tag:", ["agent", "billing"]),
        ("any(kind:to", ["tool"]),
        ("any(kind:tool name:re", ["refund"]),
        ("latency:>1", ["1s", "10s"]),
    ],
)
def test_what_is_typed_is_completed_with_fields_and_the_projects_values(
    store_traces: StoreTraces, client: FlaskClient, text: str, options: list[str]
) -> None:
    store_traces(agent_trace())
    answer = client.get("/project/default/complete", query_string={"q": text})
    offered = [row.one("code").text for row in parse(answer.text).all("a", role="option")]
    assert offered[: len(options)] == options


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
    assert "placeholder" in row.classes
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
    assert "Show the levels above" in shown.one("div", "gap").text


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
