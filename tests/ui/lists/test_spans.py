"""The lists of spans across traces: generations, tool calls, all spans."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.support.pages.dom import Element
from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace, chat_message

OTHER = "b" * 32


def names(page: Element) -> list[str]:
    """Return the names of the listed spans."""
    return [link.text for link in page.all("a", "open")]


def cells(page: Element, name: str) -> dict[str, str]:
    """Return the cells of the row of a span, by column."""
    heads = [th.attributes.get("data-column", "status") for th in page.all("th")]
    for row in page.one("tbody").all("tr"):
        if row.one("a", "open").text == name:
            return dict(zip(heads, [cell.text for cell in row.all("td")], strict=True))
    raise AssertionError(f"{name} is not in the list")


def store(store_traces: StoreTraces) -> None:
    answer = [chat_message("assistant", "Nothing was found.")]
    other = TraceBuilder(OTHER, name="other", environment="dev", user_id="u1")
    other.generation("draft", None, 0, 2, output=answer, finish_reasons=["stop"])
    other.span("broken", "draft", 1, 2, kind="tool", level="error", status_message="ToolTimeout")
    other.score("helpful", 0.5, "draft")
    store_traces(agent_trace(), other)


def test_generations_show_what_a_model_call_took(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store(store_traces)
    shown = get_page("/generations?columns=&" + urlencode({"q": "trace(env:dev)"}))
    assert names(shown) == ["draft"]
    row = cells(shown, "draft")
    assert (row["model"], row["output"], row["finish"]) == ("gpt-4o", "Nothing was found.", "stop")
    assert (row["latency"], row["first_token"], row["speed"]) == ("2.00 s", "400 ms", "256")
    assert (row["input_tokens"], row["cost"], row["trace"]) == ("1,904", "$0.0099", "other")
    link = shown.one("tbody").one("a", "open")["href"]
    assert link == f"/project/default/traces/{OTHER}?span=draft"
    switch = shown.one("nav", "seg").all("a")
    assert [a.text for a in switch] == ["Traces", "Generations", "Tools", "Spans"]


def test_tool_calls_show_why_they_failed(store_traces: StoreTraces, get_page: GetPage) -> None:
    store(store_traces)
    shown = get_page("/tools?q=status:error")
    assert "broken" in names(shown)
    assert cells(shown, "broken")["input"] == "ToolTimeout"


def test_spans_have_facets_columns_of_scores_and_sorting(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store(store_traces)
    shown = get_page("/spans?sort=-latency,name&columns=name:300,user,score.helpful")
    assert cells(shown, "draft") == {
        **{"status": "", "name": "draft", "user": "u1", "score.helpful": "0.5"},
    }
    assert shown.one("tbody").all("tr")[0].one("a", "open").text == "resolve_ticket"
    head = next(th for th in shown.all("th") if th.text.startswith("Name"))
    assert head["style"] == "--width:300"
    facets = {row.all("a")[0].text: row for row in shown.all("div", "facet")}
    assert facets["tool"].one("data").text == "3"
    assert "kind%3Atool" in facets["tool"].all("a")[0]["href"]
