"""The panel: the content of the selected span, or of the trace."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element
from tests.support.pages.requests import FRAGMENT, GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder, agent_trace, chat_message

TRACE = "a" * 32


def story(**fields: Any) -> TraceBuilder:
    return TraceBuilder(TRACE, name="x", input="asked", output="told").span(
        "s", None, 0, 2, **fields
    )


def panel(get_page: GetPage, query: str = "id=s") -> Element:
    return get_page(f"/traces/{TRACE}/span?{query}", fragment=True)


def figures(document: Element) -> dict[str, str]:
    terms = document.one("dl", "figures").all("div")
    return {figure.one("dt").text: figure.one("dd").text for figure in terms}


def test_a_generation_shows_its_figures(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(TraceBuilder(TRACE, name="x").generation("s", None, 0, 10))
    assert figures(panel(get_page)) == {
        "Duration": "10.0 s",
        "First token": "2.00 s",
        "Speed": "64 tok/s",
        "Tokens": "2,416",
        "Cost": "$0.0099",
    }


def test_messages_are_shown_in_reading_order(store_traces: StoreTraces, get_page: GetPage) -> None:
    messages = [
        chat_message("system", "Be brief."),
        chat_message("user", "**Why**?"),
        chat_message("assistant", "So."),
    ]
    store_traces(
        story(kind="generation", input=messages, output=chat_message("assistant", "Because."))
    )
    shown = panel(get_page)
    assert shown.one("details", "msg").one(css="say").text == "Be brief."
    assert [message.one("p", "role").text for message in shown.all("article", "msg")] == [
        *("user", "assistant", "assistant"),
    ]
    assert shown.one(id="input").one("strong").text == "Why"
    assert shown.one(id="output").one("article").text.endswith("Because.")


def test_the_result_of_a_tool_is_under_its_call(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "find", "arguments": '{"n": 7}'}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "content": '{"found": 3}'},
    ]
    store_traces(story(kind="generation", input=messages))
    card = panel(get_page).one(id="input").one("div", "call")
    assert card.one("header").text == "find"
    assert [number.text for number in card.all("span", "mi")] == ["7", "3"]
    assert card.one("footer").one("span", "mi").text == "3"


PNG = "data:image/png;base64,iVBORw0KGgo="
WAV = "data:audio/wav;base64,UklG"


def test_images_and_audio_of_the_payload_are_shown(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    content = [
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": {"url": "https://evil.example/i.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zz4="}},
    ]
    heard = {"id": "a", "transcript": "Hello there", "data": "UklG"}
    answer = {"role": "assistant", "content": None, "audio": heard}
    store_traces(
        story(kind="generation", input=[{"role": "user", "content": content}], output=answer)
    )
    shown = panel(get_page)
    assert [image["src"] for image in shown.all("img")] == [PNG]
    assert [sound["src"] for sound in shown.all("audio")] == [WAV]
    assert "Hello there" in shown.one(id="output").text
    assert "https://evil.example/i.png" in shown.one(id="input").text


def test_an_image_within_a_result_is_under_its_call(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    call = {"type": "tool_use", "id": "c", "name": "draw", "input": {"of": "a cat"}}
    image = {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"}
    result = {
        "type": "tool_result",
        "tool_use_id": "c",
        "content": [{"type": "text", "text": "Drawn."}, image],
    }
    messages = [
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    store_traces(story(kind="generation", input=messages))
    footer = panel(get_page).one(id="input").one("div", "call").one("footer")
    assert (footer.one("img")["src"], footer.one("div", "md").text) == (PNG, "Drawn.")


def test_an_unknown_item_is_labelled_between_the_messages(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    items = [
        chat_message("user", "Why?"),
        {"type": "item_reference", "id": "m1"},
        chat_message("user", "So?"),
    ]
    store_traces(story(kind="generation", input=items))
    messages = panel(get_page).one(id="input").all("article", "msg")
    assert len(messages) == 3
    assert messages[1].one("p", "quiet").text == "item_reference"


def test_a_large_image_in_markdown_is_shown_within_its_text(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    large = PNG + "A" * 100_000
    text = f"**Sales**:\n\n![chart]({large})"
    store_traces(story(kind="generation", output=chat_message("assistant", text)))
    shown = panel(get_page).one(id="output").one("div", "md")
    assert (shown.one("strong").text, shown.one("img")["src"]) == ("Sales", large)


def test_a_value_that_is_an_image_is_shown(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story(kind="tool", input={"image": PNG}, output=PNG))
    assert [image["src"] for image in panel(get_page).all("img")] == [PNG, PNG]


def test_message_text_is_out_of_reach_of_htmx(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story(kind="generation", input=[chat_message("user", "a *b*")]))
    texts = panel(get_page).all("div", "md")
    assert texts
    assert all("hx-ignore" in text.attributes for text in texts)


def test_a_value_that_is_no_conversation_is_json_that_folds(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(story(kind="tool", input={"a": {"b": [1, {"c": {"d": {"e": {"f": 1}}}}]}}))
    box = panel(get_page).one(id="input")
    assert [node for node in box.all("details") if "open" in node.attributes]
    link = box.one("a", "link")["href"]
    rest = get_page(link.removeprefix("/project/default"), fragment=True)
    assert [key.text for key in rest.all("b", "nt")][-1] == "f"


def test_a_cut_part_has_a_page_of_its_own_without_scripts(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(story(kind="tool", output={"rows": list(range(130))}))
    link = (
        panel(get_page).one(id="output").one("a", "link")["href"].removeprefix("/project/default")
    )
    shown = get_page(link)
    assert shown.one("h1").text == "/output/rows"
    assert len(shown.one("main").all("p")) == 30


def test_a_long_text_is_shown_unformatted(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story(input="*x* " * 10_000))
    assert panel(get_page).one(id="input").one("pre", "plain").text.startswith("*x* *x*")


def test_raw_shows_what_was_sent(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story(input=[chat_message("user", "**b**")]))
    shown = panel(get_page, "id=s&raw=1")
    assert '"content": "**b**"' in shown.one(id="input").one("pre").text
    assert shown.one("a", data_key="r").text == "Rendered"


def test_an_empty_output_is_explained(store_traces: StoreTraces, get_page: GetPage) -> None:
    trace = (
        TraceBuilder(TRACE, name="x")
        .span("done")
        .span("failed", level="error")
        .span("on", end=None)
    )
    store_traces(trace)
    reasons = [
        panel(get_page, f"id={span}").one(id="output").text for span in ("done", "failed", "on")
    ]
    assert reasons == [
        "The application sent no output for this span.",
        "None: this span failed.",
        "None yet: this span is still running.",
    ]


def test_usage_and_cost_are_listed_by_type(store_traces: StoreTraces, get_page: GetPage) -> None:
    usage = {"input": 1904, "cache_read": 14208, "output": 512}
    cost = {"input": Decimal("0.005712"), "cache_read": Decimal("0.0042624")}
    store_traces(story(kind="generation", model="m", usage=usage, cost=cost, cost_source="given"))
    rows = [[cell.text for cell in row.all("td")] for row in panel(get_page).one("tbody").all("tr")]
    assert rows == [
        ["input", "1,904", "3.00", "$0.0057", ""],
        ["cache_read", "14,208", "0.30", "$0.0043", ""],
        ["output", "512", "", "", ""],
    ]
    assert "cost as sent by the application" in panel(get_page).text


def test_the_finish_reason_is_beside_its_answer(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    tools = [{"type": "function", "function": {"name": "find"}}]
    usage = {"output": 1512}
    ended = {"finish_reasons": ["length"], "usage": usage, "tools": tools, "output": "x"}
    store_traces(story(kind="generation", model="m", **ended))
    titles = [title.text for title in panel(get_page).all("div", "sect")]
    assert titles[1].startswith("Output1,512 tokens, stopped at length")
    peek = panel(get_page).one(id="tools").all("span", "peek")[0]
    assert peek.text == 'type: "function", function: {…}'


def test_an_unpriced_model_is_labelled(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story(kind="generation", model="own-model", usage={"input": 5}))
    assert "no price known for this model" in panel(get_page).text


def test_a_cut_value_is_labelled_with_its_size(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    notes = {"input": {"truncated": True, "size": 1_048_576}}
    store_traces(story(input="x", flags=["truncated"], notes=notes))
    shown = panel(get_page)
    assert (
        shown.one("p", "alert").text
        == "A value exceeded the limit of this server and was truncated."
    )
    assert shown.one("small", "warn").text == "truncated from 1,048,576 bytes"


def test_the_metadata_tab_has_all_other_fields(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(
        story(
            metadata={"plan": "team"},
            attributes={"http.status": 200},
            resource={"service.name": "shop"},
            requested_model="a",
            model="b",
            links=[{"trace_id": "f" * 32, "span_id": "other", "attributes": {}}],
        )
    )
    shown = panel(get_page, "id=s&tab=metadata")
    titles = [title.text for title in shown.all("div", "sect")]
    assert titles == [
        "Facts",
        "Linksto spans of this or another trace",
        "Metadata",
        "Attributes",
        "Resource",
    ]
    facts = dict(
        zip((t.text for t in shown.all("dt")), (d.text for d in shown.all("dd")), strict=True)
    )
    assert (facts["Model"], facts["Requested model"]) == ("b", "a")
    assert shown.one("ul").one("a")["href"].endswith(f"{'f' * 32}?span=other")


def test_an_exception_shows_its_stack(store_traces: StoreTraces, get_page: GetPage) -> None:
    event = {
        "name": "exception",
        "time": "2026-11-23T12:00:00+00:00",
        "attributes": {
            "exception.type": "ValueError",
            "exception.message": "no",
            "exception.stacktrace": "Traceback …",
            "retry": 2,
        },
    }
    store_traces(story(events=[event, {"name": "bare"}]))
    events = panel(get_page, "id=s&tab=events").all("section", "event")
    assert [
        event.one("b").text if n else event.all("b")[0].text for n, event in enumerate(events)
    ] == [
        *("exception", "bare"),
    ]
    assert events[0].one("p", "bad").text == "ValueError: no"
    assert events[0].one("pre").text == "Traceback …"


def test_scores_are_counted_and_listed(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story().score("faithful", 0.91, "s").score("helpful", 1))
    shown = panel(get_page, "id=s&tab=scores")
    assert shown.one("li", "remark").text.startswith("faithful 0.91 api")
    whole = panel(get_page, "tab=scores")
    assert whole.one("li", "remark").text.startswith("helpful 1 api")


def test_a_score_keeps_its_digits_on_pages_and_in_exports(
    client: FlaskClient, store_traces: StoreTraces, get_page: GetPage
) -> None:
    built = story().score("count", 1234567).score("safe", 0)
    built.batch.scores[-1].data_type = "boolean"
    store_traces(built)
    shown = [item.text for item in panel(get_page, "tab=scores").all("li", "remark")]
    assert [text.split(" api")[0] for text in sorted(shown)] == ["count 1234567", "safe no"]
    base = f"/project/default/traces/{built.trace_id}/export?format="
    for name in ("markdown", "html"):
        text = client.get(base + name).text
        assert "1234567" in text
        assert "1.23457e+06" not in text
        assert "false" in text


def test_the_raw_tab_has_the_stored_record(store_traces: StoreTraces, get_page: GetPage) -> None:
    store_traces(story(metadata={"k": "v"}))
    assert '"k": "v"' in panel(get_page, "id=s&tab=raw").one(id="dump").text


def test_without_a_selected_span_the_panel_shows_the_trace(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace(metadata={"plan": "team"}))
    shown = get_page(f"/traces/{TRACE}").one(id="panel")
    assert shown.one(id="input").one("div", "md").text == "I was charged twice."
    assert shown.one(id="output").one("strong").text == "fixed"
    about = panel(get_page, "tab=metadata")
    assert about.one(id="metadata").one("span", "s2").text == '"team"'


def test_the_panel_puts_its_state_into_the_url(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(story())
    base = f"/project/default/traces/{TRACE}"
    answer = client.get(f"{base}/span?id=s&tab=events", headers=FRAGMENT)
    assert answer.headers["HX-Replace-Url"] == f"{base}?span=s&tab=events"
    assert client.get(f"{base}/span", headers=FRAGMENT).headers["HX-Replace-Url"] == base


@pytest.mark.parametrize("pointer", ["/nope", "/input/9"])
def test_a_pointer_to_nothing_is_not_found(
    store_traces: StoreTraces, get_page: GetPage, pointer: str
) -> None:
    store_traces(story(input=[1]))
    get_page(f"/traces/{TRACE}/value?id=s&at={pointer}", 404)


@pytest.mark.parametrize("levels", [63, 200, 700, 900, 5_000])
@pytest.mark.parametrize("kind", ["generation", "tool"])
def test_json_that_is_nested_too_deeply_is_shown_as_text(
    store_traces: StoreTraces, client: FlaskClient, levels: int, kind: str
) -> None:
    nested = "[" * levels + "1" + "]" * levels
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": nested}}
    messages = [chat_message("user", nested), {"role": "assistant", "tool_calls": [call]}]
    store_traces(story(kind=kind, input=messages, output=nested, metadata={"deep": nested}))
    for path in ("", "?span=s", "/span?id=s&tab=metadata", "/transcript", "/log", "/findings"):
        response = client.get(f"/project/default/traces/{TRACE}{path}")
        assert response.status_code == 200, path
    assert nested[:60] in client.get(f"/project/default/traces/{TRACE}?span=s").text
