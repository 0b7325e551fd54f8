"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui import prices, sessions, settings, traces, understanding
from tracer.ui.pages import bp

__all__ = ["bp", "prices", "sessions", "settings", "traces", "understanding"]
