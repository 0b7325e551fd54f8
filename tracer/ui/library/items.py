"""Many items of a dataset at once: archived, restored, deleted, downloaded and uploaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Conflict
from tracer.export import dataset_items
from tracer.export.formats import plain_name
from tracer.store.database.session import transaction
from tracer.store.library import datasets
from tracer.store.library.datasets import Dataset, DatasetItem
from tracer.store.library.item_schemas import ItemSchemas
from tracer.ui.base.blueprint import bp, redirect_after_save, refuse
from tracer.ui.base.numbered_pages import PER_PAGE
from tracer.ui.base.rendering import render
from tracer.ui.library.datasets import UNDO, find_dataset
from tracer.web.ids import MAX_ID_CHARACTERS

_MAX_ITEMS: Final = PER_PAGE
_MAX_ADDRESS: Final = 3_000
"""Characters of the ids of changed items in an address, with which the change can be undone."""
_MAX_UPLOADED: Final = 10_000
_FORMATS: Final = {
    "jsonl": (dataset_items.write_lines, "application/x-ndjson"),
    "csv": (dataset_items.write_csv, "text/csv; charset=utf-8"),
}


@bp.post("/project/<project_id>/datasets/<id:name>/items")
def change_items(project_id: str, name: str) -> AnyResponse | str:
    """Do ``action`` with the ticked items; a delete is confirmed first, by ``sure``."""
    row, action = find_dataset(project_id, name), request.form.get("action", "")
    item_ids = list(dict.fromkeys(request.form.getlist("item")))[:_MAX_ITEMS]
    if not item_ids:
        refuse("Tick the items in the list first.")
    if action == "delete" and "sure" not in request.form:
        return _confirm(project_id, row, item_ids)
    if action not in (*UNDO, "undelete"):
        refuse("Choose what to do with the items.")
    with transaction():
        changed = [item_id for item_id in item_ids if _change(project_id, row, item_id, action)]
    return redirect(_done(project_id, name, action, changed), 303)


def _confirm(project_id: str, row: Dataset, item_ids: list[str]) -> str:
    items, total = datasets.list_items(
        project_id, row.dataset_id, archived=None, item_ids=item_ids, limit=_MAX_ITEMS
    )
    return render("library/delete_items.html", dataset=row, items=items, total=total)


def _change(project_id: str, row: Dataset, item_id: str, action: str) -> bool:
    """Change one item; return whether it was changed."""
    if action == "undelete":
        states = datasets.list_states(project_id, item_id)
        is_own = bool(states) and states[0].dataset_id == row.dataset_id
        return is_own and datasets.undelete_item(project_id, item_id)
    current = datasets.get_item(project_id, item_id)
    if current is None or current.dataset_id != row.dataset_id:
        return False
    if action == "delete":
        return datasets.delete_item(project_id, item_id)
    is_archived = action == "archive"
    datasets.save_item(project_id, row.dataset_id, item_id, {"archived": is_archived})
    return current.archived != is_archived


def _done(project_id: str, name: str, action: str, changed: list[str]) -> str:
    """Return the address of the dataset with what was done, and what would undo it."""
    undo = changed if sum(map(len, changed)) <= _MAX_ADDRESS else []
    show = request.form.get("show") or None
    return url_for(
        "ui.dataset",
        project_id=project_id,
        name=name,
        show=show,
        did=action,
        count=len(changed),
        item=undo if action in UNDO else None,
    )


@bp.get("/project/<project_id>/datasets/<id:name>/export")
def items_download(project_id: str, name: str) -> AnyResponse:
    """Return the items, or those in ``item``, as a file: ``format`` is jsonl or csv."""
    row, form = find_dataset(project_id, name), request.args.get("format", "jsonl")
    if form not in _FORMATS:
        refuse(f"format: expected one of {', '.join(_FORMATS)}.")
    write, content_type = _FORMATS[form]
    items, _ = datasets.list_items(
        project_id,
        row.dataset_id,
        archived=None,
        item_ids=request.args.getlist("item") or None,
        limit=None,
    )
    file_name = f"{plain_name(name, 60)}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(write(map(_fields, items)), content_type=content_type, headers=headers)


def _fields(item: DatasetItem) -> dict[str, Any]:
    return {**asdict(item), "id": item.item_id}


@bp.post("/project/<project_id>/datasets/<id:name>/upload")
def upload_items(project_id: str, name: str) -> AnyResponse:
    """Add the items of the file; one with the id of an item replaces its values."""
    row, file = find_dataset(project_id, name), request.files.get("file")
    if file is None or not file.filename:
        refuse("Choose a file: JSON lines, JSON or CSV.")
    try:
        items = dataset_items.read(file.read().decode())
    except UnicodeDecodeError:
        refuse("The file is no text in UTF-8.")
    except ValueError as error:
        refuse(f"Nothing was added: {error}.")
    if len(items) > _MAX_UPLOADED:
        refuse(f"Nothing was added: at most {_MAX_UPLOADED:,} items at once.")
    with transaction():
        _add(project_id, row, items)
    page = url_for("ui.dataset", project_id=project_id, name=name, did="upload", count=len(items))
    return redirect_after_save(page)


def _add(project_id: str, row: Dataset, items: list[dict[str, Any]]) -> None:
    schemas = ItemSchemas(row, "expected_output")
    for number, values in enumerate(items, 1):
        item_id = values.pop("id", None)
        if item_id and (len(item_id) > MAX_ID_CHARACTERS or "\x00" in item_id):
            refuse(f"Nothing was added: item {number}: its id is too long.")
        try:
            item = datasets.save_item(project_id, row.dataset_id, item_id, values)
        except Conflict as error:
            refuse(f"Nothing was added: item {number}: {error}.")
        if item_errors := schemas.mismatches(item):
            refuse(
                f"Nothing was added: item {number}: {item_errors[0].field}: {item_errors[0].reason}"
            )
