"""A prompt as a file, and the page that deletes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from flask import Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer import exact_json
from tracer.export.formats import plain_name
from tracer.store.database.session import transaction
from tracer.store.library.prompts import LATEST, delete_versions
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.library.prompts import find_versions

_MAX_NAME_CHARACTERS: Final = 60


@bp.get("/project/<project_id>/prompts/<id:name>/export")
def prompt_download(project_id: str, name: str) -> AnyResponse:
    """Return all versions of a prompt as JSON, the newest first."""
    versions = [asdict(version) for version in find_versions(project_id, name)]
    body = exact_json.encode({"name": name, "versions": versions})
    disposition = f'attachment; filename="{plain_name(name, _MAX_NAME_CHARACTERS)}.json"'
    headers = {"Content-Disposition": disposition}
    return Response(body, content_type="application/json", headers=headers)


@bp.get("/project/<project_id>/prompts/<id:name>/delete")
def prompt_delete(project_id: str, name: str) -> str:
    """Show what a delete would remove."""
    versions = find_versions(project_id, name)
    labels = [label for version in versions for label in version.labels if label != LATEST]
    return render("library/delete_prompt.html", name=name, versions=versions, labels=labels)


@bp.post("/project/<project_id>/prompts/<id:name>/delete")
def do_prompt_delete(project_id: str, name: str) -> AnyResponse:
    """Delete a prompt with all of its versions."""
    find_versions(project_id, name)
    with transaction():
        delete_versions(project_id, name)
    return redirect(url_for("ui.prompt_list", project_id=project_id), 303)
