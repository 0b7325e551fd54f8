"""The export formats by name, with title, content type, file suffix and writer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tracer.export import csv, html, json, markdown, otlp
from tracer.export.records import ExportedTrace, Source


class Format(NamedTuple):
    """An export format."""

    name: str
    title: str
    purpose: str
    """Shown beside the title, a few words."""
    content_type: str
    suffix: str
    write: Callable[[Source, int | None], Iterator[str]]
    """Called with the source and a token budget, which only Markdown observes."""


def _without_budget(
    write: Callable[[Source], Iterator[str]],
) -> Callable[[Source, int | None], Iterator[str]]:
    return lambda source, _budget: write(source)


_ALL: Final = (
    Format(
        "html",
        "HTML page",
        "one file that opens offline",
        "text/html; charset=utf-8",
        "html",
        _without_budget(html.write),
    ),
    Format(
        "markdown",
        "Markdown",
        "a transcript for people and models",
        "text/markdown; charset=utf-8",
        "md",
        markdown.write,
    ),
    Format(
        "json",
        "JSON",
        "all spans and scores; can be imported",
        "application/json",
        "json",
        _without_budget(json.write),
    ),
    Format(
        "csv",
        "CSV",
        "the spans as a table",
        "text/csv; charset=utf-8; header=present",
        "csv",
        _without_budget(csv.write),
    ),
    Format(
        "otlp",
        "OTLP/JSON",
        "for Tracer and other OpenTelemetry tools",
        "application/json",
        "otlp.json",
        _without_budget(otlp.write),
    ),
)
FORMATS: Final = {entry.name: entry for entry in _ALL}


def file_name(trace: ExportedTrace, suffix: str) -> str:
    """Return a file name that is valid on every file system and distinct per trace."""
    return f"{plain_name(trace.name or 'trace', 60)}-{plain_name(trace.trace_id, 32)}.{suffix}"


def plain_name(text: str, max_length: int) -> str:
    """Return text as part of a file name: ASCII letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:max_length].strip("-") or "trace"
