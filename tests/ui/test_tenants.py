"""No page or form of one project reads or changes data of another."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import agent_trace
from tests.support.store.annotation_rows import fill_export
from tracer.dashboards.document import Dashboard, Tile
from tracer.measure.question import Question
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates
from tracer.store.annotations.comments import create_comment
from tracer.store.annotations.shares import create_share, list_shares
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.library.dashboards import create_dashboard
from tracer.store.library.dataset_runs import save_run
from tracer.store.library.datasets import save_dataset, save_item
from tracer.store.library.prompts import PromptDraft, create_version
from tracer.store.library.saved_views import save_view
from tracer.store.projects.prices import create_price
from tracer.store.projects.projects import create_project
from tracer.store.scores.scores import list_scores

TRACE = "a" * 32
VALUES = {"project_id": "other", "trace_id": TRACE, "session_id": "chat_91c2"}
TILES = (Tile(title="resolve_ticket", question=Question()),)
QUERY = {
    "trace_spans": {"t": "0-1-d"},
    "trace_live": {"t": "0-1-d"},
    "trace_span": {"id": "root"},
    "trace_value": {"at": "/name"},
    "compare": {"then": TRACE, "now": TRACE},
    "differs": {"q": "latency:>=0"},
    "bulk": {"q": "latency:>=0"},
    "bulk_delete": {"q": "latency:>=0"},
}


def endpoints(app: Flask, method: str = "GET") -> dict[str, set[str]]:
    """Return the arguments of each of our pages, or forms, that belongs to a project."""
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("ui.") and method in (rule.methods or ())
    ]
    return {rule.endpoint: rule.arguments for rule in rules if "project_id" in rule.arguments}


def test_no_page_shows_data_of_another_project(
    app: Flask, client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(agent_trace())
    with app.app_context(), transaction():
        create_project("other", "Other")
        rates = Rates(base={"input": Decimal(1)})
        price = create_price("default", PriceDraft(model="resolve_ticket", rates=rates))
        create_version("default", PromptDraft(name="faq", type="text", prompt="resolve_ticket"))
        dataset = save_dataset("default", "faq", {"description": "resolve_ticket"})
        save_item("default", dataset.dataset_id, "i", {"input": "resolve_ticket"})
        save_run("default", dataset.dataset_id, "v1", "resolve_ticket", None)
        name = "resolve_ticket"
        view_id = save_view("default", "trace_list", name, f"q=name:{name}", Author(), shared=True)
        fill_export("default", "resolve_ticket")
        board = create_dashboard("default", Dashboard(name="resolve_ticket", tiles=TILES), Author())
    library = {"name": "faq", "item_id": "i", "run": "v1"}
    known = VALUES | library | {"price_id": price.price_id}
    known |= {"dashboard_id": board.dashboard_id, "number": 0}
    known |= {"user_id": "user-417", "view_id": view_id, "job_id": "file"}
    pages = endpoints(app)
    assert len(pages) > 25
    assert {"ui.trace", "ui.trace_span_json", "ui.price_form", "ui.trace_error"} <= set(pages)
    for endpoint, arguments in pages.items():
        values: dict[str, Any] = {name: known[name] for name in arguments}
        values |= QUERY.get(endpoint.removeprefix("ui.").removesuffix("_json"), {})
        with app.test_request_context():
            url = url_for(endpoint, **values)
        answer = client.get(url)
        names_none = arguments == {"project_id"} and not endpoint.startswith("ui.compare")
        assert answer.status_code == (200 if names_none else 404), url
        assert "resolve_ticket" not in answer.text, url
        own = url.replace("/project/other/", "/project/default/")
        # A step leads to a page of the same trace, a permanent link to a list.
        leads = endpoint in ("ui.trace_error", "ui.saved_view")
        assert client.get(own).status_code == (302 if leads else 200), own


def test_no_form_changes_data_of_another_project(
    app: Flask, client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(agent_trace().score("good", 1))
    with app.app_context(), transaction():
        create_project("other", "Other")
        subject = Subject(project_id="default", trace_id=TRACE)
        mine = create_comment(subject, "mine", Author(name="Ada"))
        link, _ = create_share(subject, Author())
        score = list_scores("default", trace_id=TRACE)[0]
    known = VALUES | {"comment_id": mine.comment_id, "share_id": link.share_id}
    known |= {"score_id": score.score_id}
    before = client.get(f"/project/default/traces/{TRACE}.json").get_json()
    form = {"text": "theirs", "action": "delete", "add": "theirs", "reader": "Eve"}
    tried = 0
    for endpoint, arguments in endpoints(app, "POST").items():
        if arguments & {"trace_id", "session_id"}:
            with app.test_request_context():
                url = url_for(endpoint, **{name: known[name] for name in arguments})
            answer = client.post(url, data=form, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 404, url
            tried += 1
    assert tried >= 13
    assert client.get(f"/project/default/traces/{TRACE}.json").get_json() == before
    with app.app_context():
        assert [row.revoked_at for row in list_shares(subject)] == [None]


@pytest.mark.parametrize("path", ["/traces", "/sessions", f"/traces/{TRACE}"])
def test_an_unknown_project_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/project/nope{path}")
    assert answer.status_code == 404
    assert "no project “nope”" in answer.text


def test_the_switcher_lists_the_projects(app: Flask, get_page: GetPage) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
    links = get_page("/traces").one("nav", id="projects").all("a")
    assert [(link.text, link["href"]) for link in links] == [
        ("Other", "/project/other/traces"),
        ("default", "/project/default/traces"),
    ]
