"""The form that scores a trace or session, in a popover at its head or as a page."""

from __future__ import annotations

from collections.abc import Mapping

from tracer.store.scores.scores import list_kinds, list_scores
from tracer.ui.annotations.answer import shown_with
from tracer.ui.base.address import page_parameter
from tracer.ui.base.blueprint import is_fragment
from tracer.ui.base.rendering import render
from tracer.ui.base.subjects import AnnotationTarget, annotation_route
from tracer.ui.base.visitor import current_visitor


@annotation_route("/scores", "GET")
def score_list(target: AnnotationTarget) -> str:
    """Show the form and the latest scores."""
    return _show(target, {"refused": {}, "given": 0, "behind": ""})


def menu_after(
    target: AnnotationTarget, given: int = 0, refused: Mapping[str, tuple[str, str]] | None = None
) -> str:
    """Return the popover, and the part of the page behind it, after scores were given.

    ``refused`` has the value and the reason of those that were not saved, by name.
    """
    behind, context = shown_with(target, "scores", page_parameter("span"))
    return _show(target, context | {"given": given, "refused": refused or {}, "behind": behind})


def _show(target: AnnotationTarget, context: Mapping[str, object]) -> str:
    subject = target.subject
    rows = list_scores(
        subject.project_id,
        trace_id=subject.trace_id or None,
        session_id=subject.session_id or None,
    )
    return render(
        "annotations/_score_menu.html" if is_fragment() else "annotations/scores.html",
        **{
            **context,
            "target": target,
            "visitor": current_visitor(),
            "kinds": list_kinds(subject.project_id),
            "latest": rows[::-1],
            "span": page_parameter("span") if subject.trace_id else None,
        },
    )
