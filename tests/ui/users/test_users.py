"""The list of users and the page of a user."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace

DAY = 86_400


def rows(page: Element) -> dict[str, dict[str, str]]:
    """Return the cells by user and column."""
    heads = [th.attributes.get("data-column", "status") for th in page.all("th")]
    return {
        row.one("a", "open").text: dict(
            zip(heads, [cell.text for cell in row.all("td")], strict=True)
        )
        for row in page.one("tbody").all("tr")
    }


def store(store_traces: StoreTraces) -> None:
    failed = TraceBuilder("b" * 32, name="other", user_id="user-417", session_id="s")
    failed.span("r", None, 0, 2, level="error", status_message="ToolTimeout").score("helpful", 0.5)
    quiet = TraceBuilder("c" * 32, name="other", user_id="a/b").span("r")
    store_traces(agent_trace(), failed, quiet, TraceBuilder("d" * 32, name="nobody").span("r"))


def test_users_are_listed_with_sums_and_the_traces_without_a_user_come_last(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store(store_traces)
    shown = rows(get_page("/users?sort=-traces"))
    assert list(shown) == ["user-417", "a/b", "no user"]
    user = shown["user-417"]
    assert (user["traces"], user["sessions"], user["errors"]) == ("2", "2", "1 50 %")
    assert (user["cost"], user["p95"]) == ("$0.0099", "9.00 s")
    assert list(rows(get_page("/users?q=errors:>0"))) == ["user-417"]
    for path in ("/users", "/users?of=24h", "/users?of=all"):
        failed = get_page(path).one("a", title="Failed traces")["href"].partition("/default")[2]
        names = [row.one("a", "open").text for row in get_page(failed).one("tbody").all("tr")]
        assert names == ["other"]
    assert list(rows(get_page("/users?q=id:a*&of=all"))) == ["a/b"]


def test_users_have_facets_and_a_chart_whose_bars_select_who_was_active(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store(store_traces)
    facets = {
        facet.all("a")[0].text: (facet.one("data").text, facet.all("a")[0]["href"])
        for facet in get_page("/users").all("div", "facet")
        if facet.all("data")
    }
    shown = {name: count for name, (count, _) in facets.items()}
    assert shown["<10"] == shown["default"] == shown["other"] == "2"
    assert shown["resolve_ticket"] == shown["production"] == "1"
    for name, users in (("<10", 2), ("resolve_ticket", 1), ("1k..10k", 1)):
        assert len(rows(get_page(facets[name][1].partition("/default")[2]))) == users
    for length in ("24h", "7d", "all"):
        chart = get_page(f"/histogram?list=user_list&of={length}", fragment=True)
        assert chart.one("div", "sumline").text.startswith(
            "2 users · 1 with a failed trace · 2,416 tokens"
        )
        links = [bar["href"].partition("/default")[2] for bar in chart.one("svg").all("a")]
        assert set().union(*(rows(get_page(link)) for link in links)) == {"user-417", "a/b"}
        assert [a.text for a in chart.one("span", "push").all("a")] == ["Count", "Cost"]


def test_a_user_has_a_page_with_charts_scores_sessions_and_traces(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store(store_traces)
    shown = get_page("/users/user-417")
    assert shown.one("p", "sums").text.startswith("2 traces2 sessions2,416 tokens$0.0099")
    assert shown.one("a", ["chip", "bad"][0], href=shown.one("a", "bad")["href"]).text
    assert len(shown.all("section", "hist")) == 3
    assert "helpful" in shown.one("table", "data").text
    names = [facet.all("a")[0].text for facet in shown.all("div", "facet")]
    assert {"resolve_ticket", "other", "gpt-4o", "production"} <= set(names)
    tables = shown.all("table", "list")
    assert [len(table.one("tbody").all("tr")) for table in tables] == [2, 2]
    data = client.get("/project/default/users/user-417.json").get_json()
    assert (data["user"]["trace_count"], data["scores"][0]["mean"]) == (2, 0.5)
    link = get_page("/users?q=id:a*").one("tbody").one("a", "open")["href"]
    assert parse(client.get(link).text).one("h1").text == "a/b"
    get_page("/users/nobody", 404)


def test_the_selection_is_shown_over_time_and_its_bars_narrow_the_range(
    store_traces: StoreTraces, get_page: GetPage, client: FlaskClient
) -> None:
    store(store_traces)
    page = get_page("/traces?q=user:user-417")
    lazy = page.one(id="hist")["hx-get"].removeprefix("/project/default")
    chart = get_page(lazy, fragment=True)
    assert chart.one(css="sumline").text.startswith("2 traces · 1 failed · p50")
    counts = [bar.one("title").text for bar in chart.all("a") if "data-period" in bar.attributes]
    assert sum(int(text.split(": ")[1].split()[0]) for text in counts) == 2
    link = next(a for a in chart.all("a") if "data-period" in a.attributes)
    narrowed = client.get(link["href"])
    assert narrowed.status_code == 200
    assert "user:user-417 start:2" in narrowed.text
    whole = get_page(lazy)
    assert len(whole.one("tbody").all("tr")) == len(counts)
    spans = get_page("/histogram?list=generation_list&over=cost", fragment=True)
    assert spans.one(css="sumline").text.startswith("1 generation · ")
    assert get_page("/histogram?list=session_list", fragment=True).one("svg")
    get_page("/histogram?list=no_list", 404)
