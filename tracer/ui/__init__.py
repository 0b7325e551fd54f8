"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui import (
    bookmarks,
    comments,
    datasets,
    deletes,
    explanation,
    exports,
    findings,
    judging,
    live,
    log,
    prices,
    prompts,
    rows,
    sessions,
    settings,
    shares,
    statistics,
    stepping,
    tags,
    traces,
    transcript,
    understanding,
)
from tracer.ui.pages import bp
from tracer.ui.share import bp as share_bp

__all__ = [
    "bookmarks",
    "bp",
    "comments",
    "datasets",
    "deletes",
    "explanation",
    "exports",
    "findings",
    "judging",
    "live",
    "log",
    "prices",
    "prompts",
    "rows",
    "sessions",
    "settings",
    "share_bp",
    "shares",
    "statistics",
    "stepping",
    "tags",
    "traces",
    "transcript",
    "understanding",
]
