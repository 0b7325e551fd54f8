"""Pages of prompts: the list, and one prompt with its versions."""

from __future__ import annotations

from flask import abort, request
from markupsafe import Markup

from tracer.store.library import prompts
from tracer.store.library.prompts import PromptFilter, PromptVersion
from tracer.ui.base.blueprint import bp
from tracer.ui.base.numbered_pages import PER_PAGE, NumberedPage
from tracer.ui.base.rendering import render
from tracer.ui.render import json_tree
from tracer.ui.render.markdown import code
from tracer.ui.render.messages import Body, Renderer


@bp.get("/project/<project_id>/prompts")
def prompt_list(project_id: str) -> str:
    """Show the project's prompts, last changed first."""
    numbered = NumberedPage.from_request()
    rows, total = prompts.list_prompts(project_id, PromptFilter(), PER_PAGE, numbered.offset)
    return render("library/prompts.html", rows=rows, total=total, numbered=numbered)


@bp.get("/project/<project_id>/prompts/<id:name>")
def prompt(project_id: str, name: str) -> str:
    """Show one version of a prompt, ``version`` or the newest, and a list of the others."""
    versions = prompts.list_versions(project_id, name)
    if not versions:
        abort(404, f"This project has no prompt “{name}”.")
    number = request.args.get("version", versions[0].version, type=int)
    shown = next((version for version in versions if version.version == number), None)
    if shown is None:
        abort(404, f"The prompt “{name}” has no version {number}.")
    return render(
        "library/prompt.html",
        versions=versions,
        shown=shown,
        body=_body(shown),
        config=None if shown.config in (None, {}) else _json(shown.config),
    )


def _body(shown: PromptVersion) -> Body:
    # Text is shown raw: its line breaks and braces are part of the prompt.
    body = Renderer().render(shown.prompt, "", raw=shown.type != "chat")
    for turn in body.turns:
        # In a trace system messages are collapsed; here they are the content.
        turn.closed = False
    return body


def _json(value: object) -> Markup:
    return code(json_tree.dump(value), "json")
