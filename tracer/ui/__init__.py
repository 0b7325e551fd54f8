"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui.annotations import bookmarks, comments, delete, scores, shares, tags
from tracer.ui.base import static_files
from tracer.ui.base.blueprint import bp
from tracer.ui.library import datasets, prompts, runs
from tracer.ui.lists import complete, go_to, session, sessions, spans, traces
from tracer.ui.members import (
    account,
    audit,
    first_owner,
    invitation,
    login,
    members,
    single_sign_on,
)
from tracer.ui.project import access, keys, mapping_quality, prices, projects, server, settings
from tracer.ui.shared.pages import bp as share_bp
from tracer.ui.trace import export, live, next_error, page
from tracer.ui.tree import rows
from tracer.ui.views import findings, log, session_context, statistics, transcript

__all__ = [
    "access",
    "account",
    "audit",
    "bookmarks",
    "bp",
    "comments",
    "complete",
    "datasets",
    "delete",
    "export",
    "findings",
    "first_owner",
    "go_to",
    "invitation",
    "keys",
    "live",
    "log",
    "login",
    "mapping_quality",
    "members",
    "next_error",
    "page",
    "prices",
    "projects",
    "prompts",
    "rows",
    "runs",
    "scores",
    "server",
    "session",
    "session_context",
    "sessions",
    "settings",
    "share_bp",
    "shares",
    "single_sign_on",
    "spans",
    "static_files",
    "statistics",
    "tags",
    "traces",
    "transcript",
]
