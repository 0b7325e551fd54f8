"""Pages of prompts: the list, and one prompt with its versions, changes, figures and traces."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from flask import abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from tracer import exact_json
from tracer.errors import NotFound
from tracer.query.fields import Grain, field_of
from tracer.query.printing import term_text
from tracer.query.tree import Equal, Term
from tracer.store.database.conditions import Condition
from tracer.store.database.session import transaction
from tracer.store.library import prompts
from tracer.store.library.prompt_lists import list_prompts
from tracer.store.library.prompt_uses import (
    figures_by_name,
    figures_by_version,
    latest_traces,
    means_by_version,
    most_used,
)
from tracer.store.library.prompts import LATEST, PromptVersion
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.numbered_pages import PER_PAGE, NumberedPage
from tracer.ui.base.rendering import render
from tracer.ui.library.prompt_text import PromptDiff, diff, marked_html, variables
from tracer.ui.library.spark import sparks
from tracer.ui.render.markdown import code
from tracer.ui.render.messages import Body, Renderer

_PERIOD: Final = timedelta(days=7)
_TRACES: Final = 10
_MAX_RANKED: Final = 1_000
"""Prompts that the list sorts by their calls; further ones follow, last changed first."""
_MEASURES: Final = 2
_NOISE: Final = 0.05
"""Share of a mean score below which a change is taken for chance."""
_COUNTED: Final = 12
_MAX_COUNTED: Final = 8_000
"""Versions, and characters of two of them in JSON, up to which changed words are counted."""
MAX_LABEL_LENGTH: Final = 100
_DEFAULT_LABEL: Final = "production"
"""The label that an application asks for which names none."""


@bp.get("/project/<project_id>/prompts")
def prompt_list(project_id: str) -> str:
    """Show the project's prompts, most called or last changed first, with their figures."""
    numbered = NumberedPage.from_request()
    words = request.args.get("q", "").strip()
    conditions = [Condition("name", "contains", words)] if words else []
    by_change = request.args.get("sort") == "changed"
    first = [] if by_change else most_used(project_id, _since(), _MAX_RANKED)
    rows, total = list_prompts(project_id, conditions, PER_PAGE, numbered.offset, first)
    names = [row.name for row in rows]
    figures = figures_by_name(project_id, names, _since())
    return render(
        "library/prompts.html",
        rows=rows,
        total=total,
        numbered=numbered,
        figures=figures,
        used=[figures[row.name] for row in rows if row.name in figures],
        latest=LATEST,
        by_change=by_change,
        falls={
            name: fall
            for name, versions in means_by_version(project_id, names, _since()).items()
            if (fall := _fall(versions))
        },
        # Each prompt has a score of its own, so each line has a range of its own.
        sparks={
            name: sparks({name: each}, score)[name]
            for name, each in figures.items()
            if (score := next(iter(each.means), ""))
        },
    )


@bp.get("/project/<project_id>/prompts/<id:name>")
def prompt(project_id: str, name: str) -> str:
    """Show one version of a prompt, ``version`` or the newest, and its changes.

    The changes are those from the version ``against``, or from the version before.
    """
    versions = find_versions(project_id, name)
    shown = find_version(versions, request.args.get("version", versions[0].version, type=int))
    older = [version for version in versions if version.version < shown.version]
    against = find_version(versions, number) if (number := _against(older)) else None
    figures = figures_by_version(project_id, name, _since())
    means = [measure for each in figures.values() for measure in each.means]
    measures = list(dict.fromkeys(means))[:_MEASURES]
    called = [version.version for version in versions if version.version in figures]
    before = dict(itertools.pairwise(called))
    compared = (shown.version, before.get(shown.version, 0))
    calls = _calls(name)
    return render(
        "library/prompt.html",
        versions=versions,
        shown=shown,
        body=_body(shown),
        written=exact_json.to_indented_text(shown.prompt) if shown.type == "chat" else shown.prompt,
        config=None if shown.config in (None, {}) else _json(shown.config),
        against=against,
        changes=_changes(against, shown) if against else None,
        variables=variables(shown.prompt),
        figures=figures,
        measures=measures,
        sparks=sparks(figures, measures[0]) if measures else {},
        before=before,
        overall=figures_by_name(project_id, [name], _since()).get(name) if figures else None,
        fell=_fall({number: figures[number].means for number in compared if number in figures}),
        word_counts=_word_counts(versions),
        calls_query=calls,
        version_query=f"{calls} prompt_version:{shown.version}",
        traces=latest_traces(project_id, name, shown.version, _TRACES),
        latest=LATEST,
        default_label=_DEFAULT_LABEL,
        has_default=any(_DEFAULT_LABEL in version.labels for version in versions),
        use=code(_use(shown), "python"),
        max_label_length=MAX_LABEL_LENGTH,
    )


@bp.post("/project/<project_id>/prompts/<id:name>/labels")
def move_label(project_id: str, name: str) -> AnyResponse:
    """Let the label in the form refer to the version in the form."""
    label = request.form.get("label", "").strip()
    number = request.form.get("version", 0, type=int)
    version = find_version(find_versions(project_id, name), number)
    if not 1 <= len(label) <= MAX_LABEL_LENGTH or label == LATEST:
        refuse(f"label: expected 1 to {MAX_LABEL_LENGTH} characters, other than “{LATEST}”.")
    with transaction():
        prompts.label_version(project_id, name, version.version, [label])
    return redirect(
        url_for("ui.prompt", project_id=project_id, name=name, version=version.version), 303
    )


def _use(shown: PromptVersion) -> str:
    """Return the lines that fetch and fill the prompt with Langfuse's SDK for Python."""
    labels = [label for label in shown.labels if label != LATEST]
    label = next((label for label in labels if label == _DEFAULT_LABEL), (labels or [LATEST])[0])
    argument = "" if label == _DEFAULT_LABEL else f", label={label!r}"
    values = ", ".join(f"{name}={name}" for name in variables(shown.prompt) if name.isidentifier())
    return (
        f"prompt = langfuse.get_prompt({shown.name!r}{argument})\ntext = prompt.compile({values})"
    )


def _calls(name: str) -> str:
    """Return the query of the model calls that name the prompt."""
    field = field_of(Grain.SPAN, "prompt")
    assert field is not None
    return term_text(Term(field, None, (Equal(name),)))


class Fall(NamedTuple):
    """A score whose mean fell with a version of a prompt."""

    score: str
    version: int
    mean: float
    before: float


def _fall(versions: Mapping[int, Mapping[str, float]]) -> Fall | None:
    """Return the first score whose mean fell by more than noise with the newest of the versions.

    ``versions`` holds the mean scores of each version, the newest first.
    """
    for (version, now), (_, earlier) in itertools.islice(itertools.pairwise(versions.items()), 1):
        for score, mean in now.items():
            if score in earlier and mean < earlier[score] * (1 - _NOISE):
                return Fall(score, version, mean, earlier[score])
    return None


def _word_counts(versions: Sequence[PromptVersion]) -> dict[int, tuple[int, int]]:
    """Return the words that the newest versions added to the version before, and removed."""
    return {
        newer.version: (changes.added, changes.removed)
        for newer, older in itertools.islice(itertools.pairwise(versions), _COUNTED)
        if len(exact_json.to_indented_text([newer.prompt, older.prompt])) <= _MAX_COUNTED
        for changes in [diff(older.prompt, newer.prompt)]
    }


def _since() -> datetime:
    return datetime.now(UTC) - _PERIOD


def find_versions(project_id: str, name: str) -> list[PromptVersion]:
    """Return the versions of a prompt, the newest first, or respond with 404."""
    versions = prompts.list_versions(project_id, name)
    if not versions:
        raise NotFound.of("prompt", name)
    return versions


def find_version(versions: Sequence[PromptVersion], number: int) -> PromptVersion:
    """Return one of the versions, or respond with 404."""
    version = next((version for version in versions if version.version == number), None)
    if version is None:
        abort(404, f"The prompt “{versions[0].name}” has no version {number}.")
    return version


def _against(older: Sequence[PromptVersion]) -> int | None:
    return request.args.get("against", older[0].version if older else None, type=int)


def _changes(before: PromptVersion, after: PromptVersion) -> tuple[PromptDiff, PromptDiff | None]:
    """Return the changes of the text and of the config; None: the config is the same."""
    config = None if before.config == after.config else diff(before.config, after.config)
    return diff(before.prompt, after.prompt), config


def _body(shown: PromptVersion) -> Body:
    # Text is shown raw: its line breaks and braces are part of the prompt.
    body = Renderer().render(shown.prompt, "", raw=shown.type != "chat")
    for turn in body.turns:
        # In a trace system messages are collapsed; here they are the content.
        turn.closed = False
        for piece in turn.pieces:
            piece.html = marked_html(piece.html, shown.prompt) if piece.html else None
    return body


def _json(value: object) -> Markup:
    return code(exact_json.to_indented_text(value), "json")
