"""The dashboards that come with Tracer: JSON documents like those that members make."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

from tracer.dashboards.document import Dashboard, read_dashboard

HOME: Final = "home"
"""The dashboard that is the home of a project."""
READY: Final = ("home", "cost", "latency", "quality", "agents", "caching", "errors")
"""The names of the files, which are the ids of these dashboards in every project."""


@cache
def ready(name: str) -> Dashboard | None:
    """Return a dashboard of the library; None: there is none of this name."""
    if name not in READY:
        return None
    text = files("tracer.dashboards").joinpath("library", f"{name}.json").read_text("utf-8")
    return read_dashboard(json.loads(text))
