"""The page that exports a selection of traces: the formats and contents of the file."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import Invalid
from tracer.export.selections import parquet
from tracer.export.selections.write import FORMATS, PARQUET
from tracer.query.derived.attributes import one_of
from tracer.query.printing import to_text
from tracer.store.database.session import transaction
from tracer.store.jobs.exports import create_export, read_file
from tracer.store.selections.exporting import MAX_STREAMED, count_selection
from tracer.ui.actions.bulk import MAX_SELECTED, selection_of
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.base.visitor import author
from tracer.web.downloads import export_spec, job_file, selection_file


@bp.get("/project/<project_id>/export")
def export(project_id: str) -> AnyResponse | str:
    """Offer the formats for the traces of ``q`` or ``trace``; with ``format``, return the file."""
    text = _query()
    selection = selection_of(text)
    if "format" not in request.args:
        return render(
            "actions/export.html",
            project_id=project_id,
            query=text,
            sort=request.args.get("sort", ""),
            columns=request.args.get("columns", ""),
            total=count_selection(project_id, selection),
            maximum=MAX_STREAMED,
            formats=[
                form for form in FORMATS.values() if form.name != PARQUET or parquet.is_available()
            ],
        )
    spec = export_spec(_format(request.args["format"]), _columns(), spans="spans" in request.args)
    return selection_file(project_id, selection, request.args.get("sort") or None, spec)


@bp.post("/project/<project_id>/export")
def do_export(project_id: str) -> AnyResponse:
    """Create the job that writes the file, and redirect to its page."""
    form = request.form
    spec = export_spec(
        _format(form.get("format", "")), form.get("columns", ""), spans="spans" in form
    )
    text = form.get("q", "").strip()
    selection_of(text)
    with transaction():
        job = create_export(project_id, text, spec, form.get("sort") or None, author())
    return redirect(url_for("ui.job", project_id=project_id, job_id=job.job_id), 303)


@bp.get("/project/<project_id>/jobs/<id:job_id>/file")
def job_download(project_id: str, job_id: str) -> AnyResponse:
    """Return the file that a job has written."""
    return job_file(read_file(project_id, job_id))


def _query() -> str:
    """Return the query of the address, or the one for the ticked traces."""
    ticked = request.args.getlist("trace")[:MAX_SELECTED]
    return to_text(one_of("id", ticked)) if ticked else request.args.get("q", "").strip()


def _format(name: str) -> str:
    if name not in FORMATS:
        raise Invalid.of_field("format", f"expected one of {', '.join(FORMATS)}")
    return name


def _columns() -> str:
    return "" if "all" in request.args else request.args.get("columns", "")
