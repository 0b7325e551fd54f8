"""Datasets: their list, one with items and runs, an item with its states, a run with traces."""

from __future__ import annotations

from datetime import datetime

from flask import abort, request
from markupsafe import Markup

from tracer.records import Json
from tracer.store.library import dataset_runs, datasets
from tracer.store.library.datasets import Dataset
from tracer.store.scores import scores
from tracer.ui.base.blueprint import bp
from tracer.ui.base.numbered_pages import PER_PAGE, Numbered
from tracer.ui.base.rendering import render
from tracer.ui.render import json_tree
from tracer.ui.render.markdown import code

_RUNS = 20
_PREVIEW = 200


@bp.app_template_filter("brief")
def brief(value: Json) -> str:
    """Return the beginning of a JSON value in one line; nothing where there is none."""
    return "" if value is None else " ".join(json_tree.dump(value).split())[:_PREVIEW]


@bp.app_template_filter("pretty")
def pretty(value: Json) -> Markup:
    """Return a JSON value as highlighted lines."""
    return code(json_tree.dump(value), "json")


@bp.get("/project/<project_id>/datasets")
def dataset_list(project_id: str) -> str:
    """Show the project's datasets, the newest first."""
    asked = Numbered.read()
    rows, total = datasets.list_datasets(project_id, PER_PAGE, asked.offset)
    counts = datasets.count_items(project_id, [row.dataset_id for row in rows])
    return render("library/datasets.html", rows=rows, total=total, asked=asked, counts=counts)


@bp.get("/project/<project_id>/datasets/<id:name>")
def dataset(project_id: str, name: str) -> str:
    """Show the items of a dataset as they are, or as they were ``at`` a time; and its runs."""
    found, asked, at = _dataset(project_id, name), Numbered.read(), _time()
    items, total = datasets.list_items(
        project_id, found.dataset_id, as_of=at, limit=PER_PAGE, offset=asked.offset
    )
    runs, run_count = dataset_runs.list_runs(project_id, found.dataset_id, _RUNS)
    return render(
        "library/dataset.html",
        dataset=found,
        items=items,
        total=total,
        asked=asked,
        at=at,
        runs=runs,
        run_count=run_count,
    )


@bp.get("/project/<project_id>/datasets/<id:name>/items/<id:item_id>")
def dataset_item(project_id: str, name: str, item_id: str) -> str:
    """Show every state that an item had, the newest first."""
    found = _dataset(project_id, name)
    states = datasets.list_states(project_id, item_id)
    if not states or states[0].dataset_id != found.dataset_id:
        abort(404, f"The dataset “{name}” has no item “{item_id}”.")
    current = datasets.get_item(project_id, item_id) is not None
    return render(
        "library/dataset_item.html", dataset=found, item_id=item_id, states=states, current=current
    )


@bp.get("/project/<project_id>/datasets/<id:name>/runs/<id:run>")
def dataset_run(project_id: str, name: str, run: str) -> str:
    """Show which traces answered the items of a dataset in one run, and its own scores."""
    found, asked = _dataset(project_id, name), Numbered.read()
    row = dataset_runs.get_run(project_id, found.dataset_id, run)
    if row is None:
        abort(404, f"The dataset “{name}” has no run “{run}”.")
    items, total = dataset_runs.list_run_items(project_id, row.run_id, PER_PAGE, asked.offset)
    return render(
        "library/dataset_run.html",
        dataset=found,
        run=row,
        items=items,
        total=total,
        asked=asked,
        scores=scores.list_scores(project_id, run_id=row.run_id),
    )


def _dataset(project_id: str, name: str) -> Dataset:
    found = datasets.get_dataset(project_id, name)
    if found is None:
        abort(404, f"This project has no dataset “{name}”.")
    return found


def _time() -> datetime | None:
    text = request.args.get("at", "")
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        abort(400, f"“{text}” is no time such as 2026-01-31T09:30:00Z.")
    if at is not None and at.tzinfo is None:
        abort(400, f"“{text}” lacks its time zone: 2026-01-31T09:30:00Z, for example.")
    return at
