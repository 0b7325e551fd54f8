"""Forms of datasets: creates a dataset; creates, edits, archives and restores items."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.records import Json
from tracer.store.database.session import transaction
from tracer.store.library import datasets
from tracer.store.library.datasets import Dataset, DatasetItem
from tracer.store.library.item_schemas import ItemSchemas
from tracer.ui.base.blueprint import bp, redirect_after_save, refuse
from tracer.ui.base.rendering import render
from tracer.ui.library.datasets import ITEM_VALUES, find_dataset
from tracer.ui.library.written import read_value

_MAX_NAME_LENGTH: Final = 500
_MAX_DESCRIPTION_LENGTH: Final = 2_000


@bp.post("/project/<project_id>/datasets")
def create_dataset(project_id: str) -> AnyResponse:
    """Create a dataset from the form."""
    name = request.form.get("name", "").strip()
    description = request.form.get("description", "").strip()
    if not 1 <= len(name) <= _MAX_NAME_LENGTH:
        refuse(f"Name: expected 1 to {_MAX_NAME_LENGTH} characters.")
    if len(description) > _MAX_DESCRIPTION_LENGTH:
        refuse(f"Description: expected at most {_MAX_DESCRIPTION_LENGTH:,} characters.")
    if datasets.get_dataset(project_id, name) is not None:
        refuse(f"A dataset named “{name}” already exists.")
    with transaction():
        fields = {"description": description} if description else {}
        datasets.save_dataset(project_id, name, fields)
    return redirect_after_save(url_for("ui.dataset", project_id=project_id, name=name))


@bp.get("/project/<project_id>/datasets/<id:name>/new")
def new_item(project_id: str, name: str) -> str:
    """Show the form of a new item."""
    texts = dict.fromkeys(ITEM_VALUES, "")
    return render("library/new_item.html", dataset=find_dataset(project_id, name), texts=texts)


@bp.post("/project/<project_id>/datasets/<id:name>/new")
def create_item(project_id: str, name: str) -> AnyResponse:
    """Create an item from the form."""
    return _save(find_dataset(project_id, name), project_id, None, _values())


@bp.post("/project/<project_id>/datasets/<id:name>/items/<id:item_id>")
def change_item(project_id: str, name: str, item_id: str) -> AnyResponse:
    """Update an item from the form, or archive or restore it, by ``action``."""
    row, current = find_dataset(project_id, name), datasets.get_item(project_id, item_id)
    if current is None or current.dataset_id != row.dataset_id:
        abort(404, f"The dataset “{name}” has no item “{item_id}”: it may have been deleted.")
    action = request.form.get("action")
    if action in ("archive", "restore"):
        return _save(row, project_id, item_id, {"archived": action == "archive"})
    return _save(row, project_id, item_id, _values())


def _values() -> dict[str, Json]:
    return {name: read_value(name, request.form.get(name, "")) for name in ITEM_VALUES}


def _save(
    dataset: Dataset, project_id: str, item_id: str | None, values: dict[str, Any]
) -> AnyResponse:
    with transaction():
        item = datasets.save_item(project_id, dataset.dataset_id, item_id, values)
        if not item.archived:
            _check(dataset, item)
    page = url_for(
        "ui.dataset_item", project_id=project_id, name=dataset.name, item_id=item.item_id
    )
    return redirect_after_save(page)


def _check(dataset: Dataset, item: DatasetItem) -> None:
    """Refuse an item that does not conform to the schemas of its dataset."""
    if item_errors := ItemSchemas(dataset, "expected_output").mismatches(item):
        reasons = "; ".join(f"{refusal.field}: {refusal.reason}" for refusal in item_errors)
        refuse(f"The item does not conform to the schema of its dataset. {reasons}")
