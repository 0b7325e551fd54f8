"""The policy: which right a route requires. The first line that fits a route decides.

`docs/permissions.md` and the tests are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from tracer.web.access.rights import Right

READING: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the policy: methods ("*": all), patterns of URL rules (`*`: any text), right."""

    methods: str
    patterns: tuple[str, ...]
    right: Right

    def fits(self, method: str, rule: str) -> bool:
        """Return whether the line decides about a route."""
        methods = self.methods.split()
        return (self.methods == "*" or method in methods) and any(
            fnmatchcase(rule, pattern) for pattern in self.patterns
        )


def _line(methods: str, right: Right, *patterns: str) -> Line:
    return Line("GET HEAD OPTIONS" if methods == "GET" else methods, patterns, right)


_PROJECT: Final = "/project/<project_id>"
_LANGFUSE: Final = "/api/public"
_V1: Final = "/api/v1"

POLICY: Final = (
    # What needs no login: static files, health, ways to log in, links that carry a secret.
    _line("GET", Right.OPEN, "/static/*", "/healthz", "/health", "/ready"),
    _line("GET", Right.OPEN, f"{_LANGFUSE}/health", f"{_LANGFUSE}/ready"),
    _line("*", Right.OPEN, f"{_LANGFUSE}/media/content/<token>", "/share/<token>/*"),
    _line("*", Right.OPEN, "/login", "/login/*", "/first-owner"),
    _line("*", Right.OPEN, "/invitation/<token>", "/password/<code>"),
    # Checked by its own rule: a token for metrics, or a server administrator.
    _line("GET", Right.OPEN, "/metrics"),
    # Pages outside of projects.
    _line("*", Right.KNOWN, "/", "/trace/<id:trace_id>", "/reader", "/time-zone", "/logout"),
    _line("*", Right.KNOWN, "/account", "/account/*"),
    _line("*", Right.SERVER, "/server", "/server/*"),
    # Pages of a project.
    _line("*", Right.OWN, f"{_PROJECT}/settings/archive", f"{_PROJECT}/settings/delete"),
    _line("GET", Right.READ, f"{_PROJECT}/settings/projects"),
    _line("POST", Right.SERVER, f"{_PROJECT}/settings/projects"),
    _line("*", Right.SERVER, f"{_PROJECT}/settings/server"),
    _line("*", Right.MANAGE, f"{_PROJECT}/settings/*", f"{_PROJECT}/audit*"),
    _line("*", Right.MANAGE, f"{_PROJECT}/*/delete"),
    _line("GET", Right.READ, _PROJECT, f"{_PROJECT}/*"),
    _line("POST", Right.MANAGE, f"{_PROJECT}/prices/*", f"{_PROJECT}/settings"),
    # An export reads.
    _line("POST", Right.READ, f"{_PROJECT}/export"),
    _line("POST", Right.EDIT, f"{_PROJECT}/*"),
    # OpenTelemetry.
    _line("POST", Right.INGEST, "/v1/*", f"{_LANGFUSE}/otel/*"),
    # The JSON API.
    _line("GET", Right.KNOWN, f"{_V1}/openapi.json", f"{_V1}/projects"),
    _line("GET", Right.MANAGE, f"{_V1}/audit"),
    _line("GET", Right.READ, f"{_V1}/*"),
    _line("POST", Right.READ, f"{_V1}/metrics"),
    _line("POST", Right.SCORE, f"{_V1}/scores"),
    _line("POST", Right.INGEST, f"{_V1}/traces", f"{_V1}/batch"),
    _line("POST PATCH", Right.INGEST, f"{_V1}/traces/<id:trace_id>/spans*"),
    _line("POST PATCH", Right.INGEST, f"{_V1}/traces/<id:trace_id>/generations*"),
    _line("POST PATCH", Right.INGEST, f"{_V1}/traces/<id:trace_id>/events*"),
    _line("PATCH", Right.INGEST, f"{_V1}/traces/<id:trace_id>"),
    _line("DELETE", Right.MANAGE, f"{_V1}/traces/<id:trace_id>"),
    _line("DELETE", Right.MANAGE, f"{_V1}/sessions/<id:session_id>"),
    _line("POST PATCH DELETE", Right.MANAGE, f"{_V1}/prices", f"{_V1}/prices/*"),
    # A job may delete.
    _line("POST", Right.READ, f"{_V1}/exports"),
    _line("POST DELETE", Right.MANAGE, f"{_V1}/jobs", f"{_V1}/jobs/<id:job_id>"),
    _line("POST PUT PATCH DELETE", Right.EDIT, f"{_V1}/*"),
    # The Langfuse-compatible API.
    _line("GET", Right.KNOWN, f"{_LANGFUSE}/openapi.json", f"{_LANGFUSE}/projects"),
    _line("GET", Right.READ, f"{_LANGFUSE}/*"),
    _line("POST", Right.SCORE, f"{_LANGFUSE}/scores"),
    _line("POST", Right.INGEST, f"{_LANGFUSE}/ingestion", f"{_LANGFUSE}/traces"),
    _line(
        "POST PATCH",
        Right.INGEST,
        f"{_LANGFUSE}/spans",
        f"{_LANGFUSE}/generations",
        f"{_LANGFUSE}/events",
        f"{_LANGFUSE}/media",
        f"{_LANGFUSE}/media/*",
    ),
    _line("DELETE", Right.MANAGE, f"{_LANGFUSE}/traces*"),
    _line("POST PUT PATCH DELETE", Right.MANAGE, f"{_LANGFUSE}/models*"),
    _line("POST PATCH", Right.MANAGE, f"{_LANGFUSE}/score-configs*"),
    _line("POST PUT PATCH DELETE", Right.EDIT, f"{_LANGFUSE}/*"),
)


@lru_cache(maxsize=2_000)
def right_of(method: str, rule: str) -> Right:
    """Return the right that a route requires; without a matching line: administrators only."""
    return next((line.right for line in POLICY if line.fits(method, rule)), Right.SERVER)


def is_api(rule: str) -> bool:
    """Return whether a route is for programs with a key or token; the others are pages."""
    return rule.startswith(("/api/", "/v1/"))
