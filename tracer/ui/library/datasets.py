"""Pages of datasets: the list, a dataset with items and runs, an item."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from flask import abort, request
from markupsafe import Markup, escape

from tracer import exact_json
from tracer.errors import NotFound
from tracer.messages.previews import preview
from tracer.records import Json
from tracer.store.library import dataset_runs, datasets
from tracer.store.library.dataset_runs import DatasetRun
from tracer.store.library.datasets import Dataset
from tracer.store.library.results import ItemResult, list_results
from tracer.times import parse_time
from tracer.ui.base.blueprint import bp
from tracer.ui.base.numbered_pages import PER_PAGE, NumberedPage
from tracer.ui.base.rendering import render
from tracer.ui.library.results import RunFigures, figures, group, measure_of, score_names
from tracer.ui.library.written import editable_text
from tracer.ui.render.markdown import code

_MAX_RUNS = 12
_MAX_MEASURES = 2
_MAX_LABELS: Final = 3
_MAX_LABEL_LENGTH: Final = 30
_PREVIEW_LENGTH = 200
_TEXT_FIELDS = (
    *("message", "question", "input", "query", "prompt", "text", "answer", "output", "content"),
)
ITEM_VALUES = ("input", "expected_output", "metadata")
ARCHIVED: Final = "archived"
_USE: Final = """dataset = langfuse.get_dataset({name})
dataset.run_experiment(name="v1", task=lambda item, **_: answer(item.input))"""
UNDO: Final = {"archive": "restore", "restore": "archive", "delete": "undelete"}
"""The action with items that takes an action back."""
_CHANGED: Final = {
    "archive": "archived",
    "restore": "restored",
    "delete": "deleted",
    "undelete": "back again",
    "upload": "uploaded",
}


@bp.app_template_filter("brief")
def brief(value: Json) -> str:
    """Return the beginning of a value in one line, of messages the last text; "" for None."""
    if isinstance(value, dict):
        # The text of the question or answer, rather than the names around it.
        value = next(
            (value[name] for name in _TEXT_FIELDS if isinstance(value.get(name), str)), value
        )
    return preview(value, limit=_PREVIEW_LENGTH)


@bp.app_template_filter("labels")
def labels(value: Json) -> list[str]:
    """Return short metadata as labels: texts of lists, and other values with their names."""
    shown: list[str] = []
    for name, each in value.items() if isinstance(value, dict) else ():
        texts = each if isinstance(each, list) else [each]
        if any(isinstance(text, dict | list) for text in texts):
            return []
        shown += [
            text if isinstance(each, list) and isinstance(text, str) else f"{name}: {preview(text)}"
            for text in texts
        ]
    return [label[:_MAX_LABEL_LENGTH] for label in shown[:_MAX_LABELS]]


@bp.app_template_filter("pretty")
def pretty(value: Json) -> Markup:
    """Return a JSON value indented and highlighted; a text unchanged."""
    if isinstance(value, str):
        return escape(value)
    return code(exact_json.to_indented_text(value), "json")


@bp.get("/project/<project_id>/datasets")
def dataset_list(project_id: str) -> str:
    """Show the project's datasets, newest first."""
    numbered = NumberedPage.from_request()
    rows, total = datasets.list_datasets(project_id, PER_PAGE, numbered.offset)
    counts = datasets.count_items(project_id, [row.dataset_id for row in rows])
    return render("library/datasets.html", rows=rows, total=total, numbered=numbered, counts=counts)


@bp.get("/project/<project_id>/datasets/<id:name>")
def dataset(project_id: str, name: str) -> str:
    """Show the items of a dataset, as of now or of the time ``at``, and its latest runs."""
    row, numbered, time = find_dataset(project_id, name), NumberedPage.from_request(), _time()
    runs, run_count = dataset_runs.list_runs(project_id, row.dataset_id, _MAX_RUNS)
    results = [list_results(project_id, run.run_id) for run in runs]
    groups = _groups(results[0]) if results else {}
    shown = request.args.get("show", "")
    of_archived = shown == ARCHIVED
    in_group = groups.get(shown, ()) if shown and not of_archived else None
    items, total = datasets.list_items(
        project_id,
        row.dataset_id,
        as_of=time,
        # An item of the last run may have been archived since, and items of a past time before it.
        archived=None if time or in_group is not None else of_archived,
        text=request.args.get("q", "").strip(),
        item_ids=in_group,
        limit=PER_PAGE,
        offset=numbered.offset,
    )
    count, archived = (
        datasets.count_items(project_id, [row.dataset_id], archived=each).get(row.dataset_id, 0)
        for each in (False, True)
    )
    run_figures = [figures(run_results) for run_results in results]
    measures = list(dict.fromkeys(name for run in run_figures for name in run.means))
    return render(
        "library/dataset.html",
        dataset=row,
        items=items,
        total=total,
        count=count,
        archived=archived,
        marks={item_id: title for title, ids in groups.items() for item_id in ids},
        parts={title: len(ids) for title, ids in groups.items()}
        | ({ARCHIVED: archived} if archived else {}),
        shown=shown,
        numbered=numbered,
        time=time,
        runs=list(zip(runs, run_figures, strict=True)),
        bars=_bars(runs, run_figures, measures[0]) if measures else [],
        measures=measures[:_MAX_MEASURES],
        run_count=run_count,
        change=_change(),
        use=code(_USE.format(name=repr(name)), "python"),
        sourced=datasets.count_sourced(project_id, row.dataset_id),
    )


def _change() -> dict[str, Any] | None:
    """Return what was done with items just now, which the address has; None: nothing."""
    words = _CHANGED.get(request.args.get("did", ""))
    if words is None:
        return None
    return {
        "words": words,
        "count": request.args.get("count", 0, type=int),
        "undo": UNDO.get(request.args["did"], ""),
        "ids": request.args.getlist("item")[:PER_PAGE],
    }


def _groups(results: Sequence[ItemResult]) -> dict[str, list[str]]:
    """Return the items of a run by group: failed, wrong, correct, not judged."""
    measure = measure_of(score_names(results), results, None)
    return {
        title: list(dict.fromkeys(result.item_id for result in members))
        for title, members in group(results, measure)
    }


@bp.get("/project/<project_id>/datasets/<id:name>/items/<id:item_id>")
def dataset_item(project_id: str, name: str, item_id: str) -> str:
    """Show the versions of an item, newest first."""
    row = find_dataset(project_id, name)
    states = datasets.list_states(project_id, item_id)
    if not states or states[0].dataset_id != row.dataset_id:
        abort(404, f"The dataset “{name}” has no item “{item_id}”.")
    current = datasets.get_item(project_id, item_id) is not None
    return render(
        "library/dataset_item.html",
        dataset=row,
        item_id=item_id,
        states=states,
        current=current,
        texts={name: editable_text(getattr(states[0], name)) for name in ITEM_VALUES},
    )


def _bars(
    runs: Sequence[DatasetRun], run_figures: Sequence[RunFigures], measure: str
) -> list[tuple[DatasetRun, float, int, str]]:
    """Return (run, mean of the measure, height in percent, short name), the oldest run first."""
    means = [
        (run, each.means[measure])
        for run, each in zip(runs, run_figures, strict=True)
        if measure in each.means
    ]
    maximum = max([1.0, *(mean for _, mean in means)])
    start = _common_words([run.name for run, _ in means])
    return [
        (run, mean, round(max(mean, 0) * 100 / maximum), run.name[start:])
        for run, mean in reversed(means)
    ]


def _common_words(names: Sequence[str]) -> int:
    """Return the length of the words with which all names begin, if something follows them."""
    if len(names) < 2:
        return 0
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    end = next((index for index, (a, b) in pairs if a != b), 0)
    return max(first[:end].rfind(separator) for separator in " -_/") + 1


def find_dataset(project_id: str, name: str) -> Dataset:
    """Return a dataset by name, or respond with 404."""
    row = datasets.get_dataset(project_id, name)
    if row is None:
        raise NotFound.of("dataset", name)
    return row


def _time() -> datetime | None:
    text = request.args.get("at", "")
    time = parse_time(text)
    if text and time is None:
        abort(400, f"“{text}” is not a time such as 2026-01-31T09:30:00Z.")
    return time
