"""The pages: server-rendered HTML, and the fragments of it that htmx swaps in."""

from __future__ import annotations

from tracer.ui.actions import bulk, delete, jobs
from tracer.ui.actions import export as export_selection
from tracer.ui.annotations import bookmarks, comments, scores, shares, tags
from tracer.ui.base import choose_zone, id_urls, static_files
from tracer.ui.base.blueprint import bp
from tracer.ui.compared import compare, differs
from tracer.ui.dashboards import compare_page, copies, edit, pages, standing, tile
from tracer.ui.library import (
    datasets,
    item_form,
    items,
    prompt_actions,
    prompt_form,
    prompts,
    runs,
)
from tracer.ui.lists import (
    go_to,
    histogram,
    saved_views,
    sessions,
    spans,
    traces,
)
from tracer.ui.members import (
    account,
    audit,
    first_owner,
    forgotten,
    invitation,
    login,
    members,
    single_sign_on,
)
from tracer.ui.prices import prices
from tracer.ui.project import access, keys, mapping_quality, projects, server, settings
from tracer.ui.query import complete
from tracer.ui.session import page as session
from tracer.ui.shared.pages import bp as share_bp
from tracer.ui.trace import export, live, next_error, page
from tracer.ui.tree import rows
from tracer.ui.users import page as user
from tracer.ui.users import user_list
from tracer.ui.views import findings, log, session_context, statistics, transcript

__all__ = [
    "access",
    "account",
    "audit",
    "bookmarks",
    "bp",
    "bulk",
    "choose_zone",
    "comments",
    "compare",
    "compare_page",
    "complete",
    "copies",
    "datasets",
    "delete",
    "differs",
    "edit",
    "export",
    "export_selection",
    "findings",
    "first_owner",
    "forgotten",
    "go_to",
    "histogram",
    "id_urls",
    "invitation",
    "item_form",
    "items",
    "jobs",
    "keys",
    "live",
    "log",
    "login",
    "mapping_quality",
    "members",
    "next_error",
    "page",
    "pages",
    "prices",
    "projects",
    "prompt_actions",
    "prompt_form",
    "prompts",
    "rows",
    "runs",
    "saved_views",
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
    "standing",
    "static_files",
    "statistics",
    "tags",
    "tile",
    "traces",
    "transcript",
    "user",
    "user_list",
]
