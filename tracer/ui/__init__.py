"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui import (
    datasets,
    exports,
    log,
    prices,
    prompts,
    sessions,
    settings,
    traces,
    understanding,
)
from tracer.ui.pages import bp

__all__ = [
    "bp",
    "datasets",
    "exports",
    "log",
    "prices",
    "prompts",
    "sessions",
    "settings",
    "traces",
    "understanding",
]
