"""Results of dataset runs: their figures and groups, and two runs side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.requests import GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.store.database.session import transaction
from tracer.store.library.dataset_runs import add_run_item, save_run
from tracer.store.library.datasets import save_dataset, save_item
from tracer.store.library.results import ItemResult, ResultScore
from tracer.ui.library.results import compare, directions, figures, group, measure_of, score_names


def result(item_id: str, status: str = "completed", **scores: float | None) -> ItemResult:
    return ItemResult(
        run_item_id=f"r-{item_id}",
        item_id=item_id,
        trace_id=f"t-{item_id}",
        span_id=None,
        item_time=datetime(2026, 1, 1, tzinfo=UTC),
        root_span_id=None,
        status=status,
        error=None,
        latency=timedelta(seconds=1),
        tokens=10,
        cost=Decimal("0.1"),
        output_preview="out",
        scores={
            name: ResultScore(value, None, is_boolean=name == "correct")
            for name, value in scores.items()
        },
    )


def ids(groups: list[tuple[str, list[Any]]]) -> dict[str, list[str]]:
    return {
        name: [getattr(member, "shown", member).item_id for member in members]
        for name, members in groups
    }


def test_the_figures_of_a_run_count_failures_and_average_scores() -> None:
    run = [result("a", correct=1.0), result("b", correct=0.0), result("c", "error")]
    run[2].latency = timedelta(seconds=30)
    sums = figures(run)
    assert (sums.items, sums.failed, sums.tokens, sums.cost) == (3, 1, 30, Decimal("0.3"))
    assert sums.means == {"correct": 0.5}
    assert (sums.p50, sums.p95) == (timedelta(seconds=1), timedelta(seconds=30))
    assert figures([]).cost is None


def test_failed_and_wrong_results_come_first() -> None:
    run = [
        result("right", correct=1.0),
        result("unjudged"),
        result("broken", "error", correct=1.0),
        result("wrong", correct=0.0),
    ]
    assert ids(group(run, "correct")) == {
        "failed": ["broken"],
        "wrong": ["wrong"],
        "correct": ["right"],
        "not judged": ["unjudged"],
    }


def test_a_boolean_score_judges_unless_another_is_wanted() -> None:
    run = [result("a", length=0.4, correct=1.0), result("b", length=0.6)]
    names = score_names(run)
    assert names == ["length", "correct"]
    assert measure_of(names, run, None) == "correct"
    assert measure_of(names, run, "length") == "length"
    assert measure_of(names, run, "nope") == "correct"
    assert measure_of([], [], None) == ""


def test_items_of_two_runs_are_worse_better_or_the_same() -> None:
    left = [
        result("fell", correct=1.0),
        result("rose", correct=0.0),
        result("broke", correct=0.0),
        result("bad", correct=0.0),
        result("good", correct=1.0),
        result("old"),
    ]
    right = [
        result("good", correct=1.0),
        result("bad", correct=0.0),
        result("broke", "error"),
        result("rose", correct=1.0),
        result("fell", correct=0.0),
        result("new"),
    ]
    assert ids(compare(left, right, "correct")) == {
        "worse": ["broke", "fell"],
        "better": ["rose"],
        "wrong in both": ["bad"],
        "the same": ["good"],
        "in one run only": ["new", "old"],
    }


runs = st.lists(
    st.builds(
        lambda item_id, status, correct: result(item_id, status, correct=correct),
        st.sampled_from("abcdef"),
        st.sampled_from(["completed", "error", "running"]),
        st.sampled_from([0.0, 1.0, 0.5, None]),
    ),
    unique_by=lambda each: each.item_id,
)


def test_the_items_on_which_a_figure_became_worse_or_better_are_counted() -> None:
    left = [result("a", x=1.0), result("b", x=0.0), result("c", x=None)]
    right = [result("a", x=0.5), result("b", "error", x=2.0), result("c", x=1.0)]
    pairs = [pair for _, members in compare(left, right, "x") for pair in members]
    counts = directions(pairs, ["x"])
    assert (counts["x"], counts["failed"]) == ((1, 1), (1, 0))


@given(runs, runs)
def test_every_item_is_in_one_group_and_swapped_runs_swap_worse_and_better(
    left: list[ItemResult], right: list[ItemResult]
) -> None:
    groups = ids(compare(left, right, "correct"))
    placed = sorted(item for members in groups.values() for item in members)
    assert placed == sorted({each.item_id for each in (*left, *right)})
    swapped = ids(compare(right, left, "correct"))
    for name, opposite in (("worse", "better"), ("better", "worse"), ("the same", "the same")):
        assert set(groups.get(name, [])) == set(swapped.get(opposite, []))


@pytest.fixture
def two_runs(project: str, store_traces: StoreTraces) -> None:
    """Two runs over three items; in the second one an item fails and another is wrong."""
    with transaction():
        dataset = save_dataset(project, "faq", {}).dataset_id
        for number in range(3):
            item = {"input": {"q": f"question {number}"}, "expected_output": f"expected {number}"}
            save_item(project, dataset, f"i{number}", item | {"source_trace_id": "src/1"})
    for name in ("v1", "v2"):
        for number in range(3):
            store_traces(trace_of(name, number))
        with transaction():
            run = save_run(project, dataset, name, None, None)
            for number in range(3):
                add_run_item(project, run.run_id, f"i{number}", f"{name}-{number}", None)
    # Changed after the runs, which ran on the former state.
    with transaction():
        save_item(project, dataset, "i1", {"expected_output": "changed later"})


def trace_of(run: str, number: int) -> TraceBuilder:
    fails = run == "v2" and number == 0
    trace = TraceBuilder(f"{run}-{number}", name="reply", output=f"answer {run}")
    level = {"level": "error", "status_message": "ToolTimeout"} if fails else {}
    trace.generation("root", None, 0, 1 + number, usage={"input": 100}, **level)
    return trace if fails else trace.score("correct", float(run == "v1" or number == 2))


@pytest.mark.usefixtures("two_runs")
def test_a_run_shows_each_item_with_what_it_received_and_produced(get_page: GetPage) -> None:
    shown = get_page("/datasets/faq/runs/v2")
    rows = [[cell.text for cell in row.all("td")] for row in shown.one("tbody").all("tr")]
    titles = [row.text for row in shown.one("tbody").all("tr", "grp")]
    assert [title.split()[:2] for title in titles] == [
        ["1", "failed"],
        ["1", "wrong"],
        ["1", "correct"],
    ]
    failed, wrong, correct = (row for row in rows if row)
    assert "question 0" in failed[1]
    assert failed[2] == "ToolTimeout"
    assert (wrong[2], wrong[3], wrong[4], wrong[5]) == ("answer v2", "expected 1", "0", "2.00 s")
    assert correct[4] == "1"
    assert correct[6] == "100"
    assert "Items3 Failed1 ▲ 1 correct mean0.5 ▼ 0.5" in shown.one("dl", "totals").text
    [link] = [each for each in shown.all("a") if each.text == "Compare with v1"]
    assert "run=v1" in link["href"]
    assert "run=v2" in link["href"]


@pytest.mark.usefixtures("two_runs")
def test_two_runs_are_shown_side_by_side_the_older_one_on_the_left(get_page: GetPage) -> None:
    shown = get_page("/datasets/faq/compare?run=v2&run=v1")
    assert "v2 is worse than v1 on 2 items and better on 0, by correct" in shown.text
    table = shown.one("table", "pairs")
    assert [cell.text for cell in table.one("thead").all("th")][2:4] == ["v1", "v2"]
    rows = [[cell.text for cell in row.all("td")] for row in table.one("tbody").all("tr")]
    failed = next(row for row in rows if row and "question 0" in row[1])
    assert "answer v1" in failed[2]
    assert "ToolTimeout" in failed[3]
    assert failed[4] == "failed"
    wrong = next(row for row in rows if row and "question 1" in row[1])
    assert wrong[4].split() == ["▼", "1"]
    get_page("/datasets/faq/compare?run=v1&run=nope", status=404)
    assert "Compare two runs" in get_page("/datasets/faq/compare").text


@pytest.mark.usefixtures("two_runs")
def test_a_dataset_shows_its_items_and_the_figures_of_its_runs(get_page: GetPage) -> None:
    shown = get_page("/datasets/faq")
    items = [[cell.text for cell in row.all("td")] for row in shown.one("main").all("tr")]
    assert [row[3] for row in items if row] == ["expected 2", "changed later", "expected 0"]
    assert all("src/1" in row[5] for row in items if row)
    for query, rows in (
        ("show=failed", 1),
        ("show=wrong&q=QUESTION+1", 1),
        ("show=failed&q=no", 0),
    ):
        assert len(get_page(f"/datasets/faq?{query}").all("a", "open")) == rows, query
    assert len(get_page("/datasets/faq/runs/v2?show=wrong").one("tbody").all("a", "open")) == 1
    assert len(get_page("/datasets/faq/compare?run=v1&run=v2&show=worse").all("td", "st")) == 2
    latest, first = shown.one("aside").one("tbody").all("tr")
    assert "1 failed" in latest.text
    assert latest.all("td")[1].text == "0.5"
    assert first.all("td")[1].text == "1"
    assert len(shown.one("aside").all("input", type="checkbox")) == 2


def test_a_result_without_its_trace_is_stated(project: str, get_page: GetPage) -> None:
    dataset = save_dataset(project, "faq", {}).dataset_id
    run = save_run(project, dataset, "v1", None, None)
    add_run_item(project, run.run_id, "gone", "deleted", None)
    shown = get_page("/datasets/faq/runs/v1")
    assert "The trace is not stored." in shown.text
    assert "gone" in shown.text


def test_the_pages_of_results_keep_the_other_parameters(project: str, get_page: GetPage) -> None:
    dataset = save_dataset(project, "faq", {}).dataset_id
    run = save_run(project, dataset, "v1", None, None)
    for number in range(60):
        add_run_item(project, run.run_id, f"i{number}", f"t{number}", None)
    [older] = get_page("/datasets/faq/runs/v1?score=a%26b").all("a", rel="next")
    assert older["href"] == "?score=a%26b&page=2"
