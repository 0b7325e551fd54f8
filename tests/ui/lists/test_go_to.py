"""“Go to…” leads straight to what a pasted id belongs to, and offers names and pages else."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import agent_trace

TRACE = "a" * 32
PAGE = f"/project/default/traces/{TRACE}"


@pytest.mark.parametrize(
    ("text", "location"),
    [
        (TRACE, PAGE),
        (TRACE.upper(), PAGE),
        ("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", PAGE),
        (f"00-{TRACE}-00f067aa0ba902b7-01", f"{PAGE}?span=00f067aa0ba902b7"),
        ("refund", f"{PAGE}?span=refund"),
        (
            f"https://langfuse.example/project/x/traces/{TRACE}?observation=plan",
            f"{PAGE}?span=plan",
        ),
        ("chat_91c2", "/project/default/sessions/chat_91c2"),
        ("user-417", "/project/default/users/user-417"),
    ],
)
def test_a_pasted_id_leads_to_its_page(
    store_traces: StoreTraces, client: FlaskClient, text: str, location: str
) -> None:
    store_traces(agent_trace())
    answer = client.get("/project/default/go", query_string={"to": text})
    assert answer.status_code == 302
    assert answer.headers["Location"] == location


def test_an_id_typed_as_a_query_leads_to_its_page_as_well(
    store_traces: StoreTraces, client: FlaskClient
) -> None:
    store_traces(agent_trace())
    answer = client.get("/project/default/traces", query_string={"q": f" {TRACE.upper()} "})
    assert answer.headers["Location"] == PAGE
    for text, page in (("user-417", "users/user-417"), ("chat_91c2", "sessions/chat_91c2")):
        answer = client.get("/project/default/traces", query_string={"q": text})
        assert answer.headers["Location"] == f"/project/default/{page}"
    for text in ("refund", '"user-417"', "user-418"):
        answer = client.get("/project/default/traces", query_string={"q": text})
        assert answer.status_code == 200


def test_other_texts_offer_names_pages_and_a_search(
    store_traces: StoreTraces, get_page: GetPage
) -> None:
    store_traces(agent_trace())
    shown = get_page(f"/go?{urlencode({'to': 'res'})}")
    links = {link.text: link["href"] for link in shown.one("main").all("a")}
    assert links["Traces named resolve_ticket"] == "/project/default/traces?q=name:resolve_ticket"
    assert links["Search “res” in all traces"] == "/project/default/traces?q=res"
    assert "Sessions" in [link.text for link in get_page("/go?to=ses").one("main").all("a")]
