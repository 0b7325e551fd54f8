"""The formats by name: what each is called, what it is sent as, and who writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tracer.export import csv, html, json, markdown, otlp
from tracer.export.records import ExportedTrace, Source


class Format(NamedTuple):
    """One way to write a trace down."""

    name: str
    title: str
    says: str
    """What it is good for, in a few words."""
    content_type: str
    suffix: str
    write: Callable[[Source, int | None], Iterator[str]]
    """Takes a budget of tokens as well, which only text for models keeps."""


def _whole(
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
        _whole(html.write),
    ),
    Format(
        "markdown",
        "Markdown",
        "a transcript for people and models",
        "text/markdown; charset=utf-8",
        "md",
        markdown.write,
    ),
    Format("json", "JSON", "all spans and scores", "application/json", "json", _whole(json.write)),
    Format(
        "csv",
        "CSV",
        "the spans as a table",
        "text/csv; charset=utf-8; header=present",
        "csv",
        _whole(csv.write),
    ),
    Format(
        "otlp",
        "OTLP/JSON",
        "to be taken back by Tracer",
        "application/json",
        "otlp.json",
        _whole(otlp.write),
    ),
)
FORMATS: Final = {one.name: one for one in _ALL}


def file_name(trace: ExportedTrace, suffix: str) -> str:
    """Return a name that every file system takes and that tells traces apart."""
    return f"{plain_name(trace.name or 'trace', 60)}-{plain_name(trace.trace_id, 32)}.{suffix}"


def plain_name(text: str, most: int) -> str:
    """Return text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:most].strip("-") or "trace"
