"""Pages of dataset runs: one run with the result of each item, and two runs side by side."""

from __future__ import annotations

from typing import Any

from flask import abort, request

from tracer.records import Json
from tracer.store.library import dataset_runs
from tracer.store.library.dataset_runs import DatasetRun
from tracer.store.library.datasets import Dataset
from tracer.store.library.results import MAX_RESULTS, ItemResult, item_values, list_results
from tracer.store.scores import scores
from tracer.store.traces.span_detail import get_span
from tracer.ui.base.blueprint import bp
from tracer.ui.base.numbered_pages import PER_PAGE, NumberedPage
from tracer.ui.base.rendering import render
from tracer.ui.library.datasets import find_dataset
from tracer.ui.library.results import compare, directions, figures, group, measure_of, score_names

_SHOWN_RUNS = 100


@bp.get("/project/<project_id>/datasets/<id:name>/runs/<id:run>")
def dataset_run(project_id: str, name: str, run: str) -> str:
    """Show the result of each item of a run: failed and wrong ones first."""
    row, numbered = find_dataset(project_id, name), NumberedPage.from_request()
    run_row = _run(project_id, row, run)
    results = list_results(project_id, run_row.run_id)
    names = score_names(results)
    measure = measure_of(names, results, request.args.get("score"))
    groups = group(results, measure)
    part = request.args.get("show", "")
    listed = [
        (title, result) for title, members in groups if part in ("", title) for result in members
    ]
    shown = listed[numbered.offset : numbered.offset + PER_PAGE]
    others, _ = dataset_runs.list_runs(project_id, row.dataset_id, _SHOWN_RUNS)
    previous = next((other for other in others if other.created_at < run_row.created_at), None)
    return render(
        "library/dataset_run.html",
        dataset=row,
        run=run_row,
        previous=previous,
        previous_figures=figures(list_results(project_id, previous.run_id)) if previous else None,
        figures=figures(results),
        names=names,
        measure=measure,
        counts={title: len(members) for title, members in groups},
        part=part,
        shown=shown,
        total=len(listed),
        maximum=MAX_RESULTS,
        numbered=numbered,
        scores=scores.list_scores(project_id, run_id=run_row.run_id),
        **_contents(project_id, [result for _, result in shown]),
    )


@bp.get("/project/<project_id>/datasets/<id:name>/compare")
def compare_runs(project_id: str, name: str) -> str:
    """Show two runs of a dataset side by side: the names in ``run``, the older one on the left."""
    row, numbered = find_dataset(project_id, name), NumberedPage.from_request()
    chosen = list(dict.fromkeys(request.args.getlist("run")))
    runs, _ = dataset_runs.list_runs(project_id, row.dataset_id, _SHOWN_RUNS)
    if len(chosen) != 2:
        return render("library/compare_runs.html", dataset=row, runs=runs, left=None)
    left, right = sorted(
        (_run(project_id, row, run) for run in chosen), key=lambda run: (run.created_at, run.run_id)
    )
    before, after = (list_results(project_id, run.run_id) for run in (left, right))
    names = score_names([*before, *after])
    measure = measure_of(names, [*before, *after], request.args.get("score"))
    groups = compare(before, after, measure)
    part = request.args.get("show", "")
    listed = [(title, pair) for title, members in groups if part in ("", title) for pair in members]
    shown = listed[numbered.offset : numbered.offset + PER_PAGE]
    results = [result for _, pair in shown for result in (pair.left, pair.right) if result]
    return render(
        "library/compare_runs.html",
        dataset=row,
        runs=runs,
        left=left,
        right=right,
        figures=[figures(before), figures(after)],
        directions=directions((pair for _, pairs in groups for pair in pairs), names),
        names=names,
        measure=measure,
        counts={title: len(members) for title, members in groups},
        part=part,
        shown=shown,
        total=len(listed),
        numbered=numbered,
        **_contents(project_id, results),
    )


def _run(project_id: str, dataset: Dataset, name: str) -> DatasetRun:
    run = dataset_runs.get_run(project_id, dataset.dataset_id, name)
    if run is None:
        abort(404, f"The dataset “{dataset.name}” has no run “{name}”.")
    return run


def _contents(project_id: str, results: list[ItemResult]) -> dict[str, Any]:
    """Return the item's values and the output of each shown result, by the id of the run item."""
    outputs = {result.run_item_id: _output(project_id, result) for result in results}
    return {"values": item_values(project_id, results), "outputs": outputs}


def _output(project_id: str, result: ItemResult) -> Json:
    """Return the output of a result: of its span, or else the beginning of its trace's."""
    if result.is_span:
        span = get_span(project_id, result.trace_id, result.span_id or "")
        if span is not None:
            return span.output
    return result.output_preview
