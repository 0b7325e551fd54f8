"""The page and the API of what differs between selections of traces."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import SECOND, TraceBuilder, now
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.projects import create_project
from tracer.ui.compared.differs import Summary
from tracer.web.answers.differences import Difference, DifferenceAnswer


@pytest.fixture
def runs(store_traces: StoreTraces) -> None:
    """12 failed traces with a tool and a plan of their own, and 40 others."""
    stories = []
    for number in range(52):
        fails = number < 12
        story = TraceBuilder(
            f"{number:032x}",
            now() - number * 60 * SECOND,
            name="answer",
            user_id=f"u{number % 3}",
            release="new" if fails or number % 4 == 0 else "old",
            metadata={"plan": "enterprise" if fails else "free", "n": number},
        )
        story.span("root", None, 0, 90 if fails else 2, level="error" if fails else "default",
            status_message="ToolTimeout: 30 s" if fails else None)  # fmt: skip
        story.span("t", "root", 0, 1, kind="tool", name="refund" if fails else "search")
        story.generation("g", "root", 0, 1, prompt_name="decide", prompt_version=2 if fails else 1)
        stories.append(story)
    store_traces(*stories)


def read(client: FlaskClient, query: str, against: str = "rest") -> Any:
    response = client.get("/api/v1/differences", query_string={"q": query, "against": against})
    assert response.status_code == 200, response.text
    return response.json


@pytest.mark.usefixtures("runs")
def test_attributes_of_every_kind_are_ranked_with_exact_counts(client: FlaskClient) -> None:
    differences = read(client, "status:error")
    assert (differences["selected"], differences["baseline"], differences["estimated"]) == (
        12,
        40,
        False,
    )
    terms = {
        term for row in differences["more_frequent"] for term in [row["term"], *row["same_counts"]]
    }
    assert {
        "metadata.plan:enterprise",
        "any(kind:tool,function name:refund)",
        "any(prompt:decide prompt_version:2)",
        "release:new",
    } <= terms
    assert any(term.startswith("latency:>") for term in terms)
    release = next(row for row in differences["more_frequent"] if row["field"] == "release")
    assert (release["selected"], release["baseline"], release["ratio"]) == (12, 10, 4.0)
    assert [other["value"] for other in release["other_values"]] == ["old"]
    assert "user" in differences["not_significant"]
    assert {"status", "error"} & set(differences["left_out"])
    listed = client.get("/api/v1/traces", query_string={"q": f"status:error {release['term']}"})
    assert len(listed.json["data"]) == release["selected"]


@pytest.mark.usefixtures("runs")
def test_the_period_before_is_compared_too(client: FlaskClient) -> None:
    differences = read(client, "start:>-12m", "before")
    assert differences["selected"] in (11, 12)
    assert differences["selected"] + differences["baseline"] in (23, 24)
    assert any(
        row["value"] == "enterprise" or row["same_counts"] for row in differences["more_frequent"]
    )


@pytest.mark.usefixtures("runs")
def test_traces_of_another_project_are_not_compared(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction():
        create_project("other", "Other")
        _, secret = create_key("other", "test")
    headers = {"Authorization": f"Bearer {secret}"}
    response = client.get("/api/v1/differences?q=status:error", headers=headers)
    assert (response.json["selected"], response.json["baseline"]) == (0, 0)
    assert "refund" not in response.text


@pytest.mark.parametrize(("query", "against"), [("", "rest"), ("name:x", "before")])
def test_a_query_without_another_side_is_refused_with_the_remedy(
    client: FlaskClient, get_page: GetPage, query: str, against: str
) -> None:
    response = client.get("/api/v1/differences", query_string={"q": query, "against": against})
    assert response.status_code == 400
    assert "add a t" in response.text
    assert "add a t" in get_page(f"/differs?q={query}&against={against}").one(css="none").text


@pytest.mark.usefixtures("runs")
def test_each_row_of_the_page_leads_to_a_narrower_list(
    get_page: GetPage, client: FlaskClient
) -> None:
    page = get_page("/differs?q=status:error")
    row = next(row for row in page.all(css="dif") if "plan:" in row.text)
    add, leave_out = (a["href"] for a in row.one("span", "terms").all("a"))
    assert parse_qs(urlsplit(add).query)["q"] == ["status:error metadata.plan:enterprise"]
    assert parse_qs(urlsplit(leave_out).query)["q"] == ["status:error -metadata.plan:enterprise"]
    assert client.get(add).text.count('class="open"') == 12
    assert page.one(css="spreads").all("svg")
    assert client.get("/project/default/differs.json?q=status:error").json["selected"] == 12


@pytest.mark.usefixtures("runs")
def test_one_sentence_sums_up_what_differs(get_page: GetPage) -> None:
    every = get_page("/differs?q=status:error").one(id="summary").text
    assert every.startswith("All selected traces match ")
    assert "(100 %, of the others 0 %)" in every
    part = get_page("/differs?q=latency:>0").one(css="none")
    assert part.text
    some = get_page("/differs?q=release:new").one(id="summary")
    assert "Most selected traces match " in some.text
    assert some.all("a")


def test_a_summary_names_a_group_or_what_is_less_frequent() -> None:
    def row(share: float, ratio: float | None, term: str) -> Difference:
        return Difference(
            **{"field": "x", "value": "y", "term": term, "selected": 1, "baseline": 1},
            **{"selected_share": share, "baseline_share": 0.1, "ratio": ratio, "estimated": False},
            **{"g_statistic": 9.0, "other_values": [], "same_counts": []},
        )

    def summary(more: list[Difference], less: list[Difference]) -> list[str]:
        chosen = Summary.of(
            DifferenceAnswer(
                **{"query": "", "baseline_query": "", "selected": 9, "baseline": 9},
                **{"estimated": False, "more_frequent": more, "less_frequent": less},
                **{"not_significant": [], "left_out": [], "numbers": []},
            )
        )
        rows = [*chosen.most, chosen.group, chosen.less]
        return [row.term for row in rows if row]

    more = [row(0.3, 1.2, "weak"), row(0.3, None, "group"), row(0.9, 9, "a"), row(0.5, 5, "b")]
    assert summary([*more, row(0.8, 8, "third")], [row(0.1, 0.1, "less")]) == ["a", "b", "group"]
    assert summary(more[:1], [row(0.1, 0.1, "less")]) == ["less"]
    assert summary([], []) == []
