"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui import sessions, traces, understanding
from tracer.ui.pages import bp

__all__ = ["bp", "sessions", "traces", "understanding"]
