"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui import (
    datasets,
    explanation,
    exports,
    findings,
    log,
    prices,
    prompts,
    sessions,
    settings,
    statistics,
    traces,
    transcript,
    understanding,
)
from tracer.ui.pages import bp

__all__ = [
    "bp",
    "datasets",
    "explanation",
    "exports",
    "findings",
    "log",
    "prices",
    "prompts",
    "sessions",
    "settings",
    "statistics",
    "traces",
    "transcript",
    "understanding",
]
