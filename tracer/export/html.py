"""HTML export: a self-contained page with the tree, a waterfall, and a panel for every span.

The page has no script. A row links to the span's section, which the style sheet shows while it is
the URL's fragment (`:target`). Everything that an application sent is escaped text, and the
page's content security policy forbids scripts, requests and forms.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Final

from tracer.assets import asset_dir
from tracer.export import figures
from tracer.export.html_span import Budget, icon, overview, section
from tracer.export.records import ExportedSpan, ExportedTrace, Row, Source
from tracer.wording import plural

MAX_SPANS: Final = 20_000
_OPEN_SPANS: Final = 2_000
"""A trace with more spans shows only its first levels expanded."""
_OPEN_DEPTH: Final = 2
_MAX_INDENT: Final = 16


def write(source: Source) -> Iterator[str]:
    """Yield the page. A complete file ends with ``</html>``."""
    trace = source.trace
    axis = _Axis(trace)
    yield _head(trace)
    yield _title(trace)
    left_out = trace.span_count - MAX_SPANS
    if left_out > 0:
        yield (
            f'<p class="note">This file contains the upper {MAX_SPANS:,} spans of the tree and'
            f" leaves out {left_out:,} below them. JSON and CSV contain all spans.</p>\n"
        )
    yield '<main class="panes"><section class="tree" aria-label="Spans">\n'
    yield axis.header()
    yield from _tree(source, axis)
    yield '</section>\n<aside class="panel" aria-label="Selected span">\n'
    yield overview(trace, source.scores())
    budget = Budget()
    for index, row in enumerate(source.upper(MAX_SPANS)):
        yield section(index, row.span, budget)
    yield "</aside></main>\n</body>\n</html>\n"


@lru_cache(maxsize=1)
def _style() -> str:
    static = asset_dir("static")
    tokens = (static / "css" / "tokens.css").read_text()
    return tokens + Path(__file__).with_name("page.css").read_text()


@lru_cache(maxsize=1)
def _sprite() -> str:
    text = (asset_dir("static") / "icons.svg").read_text()
    return text.replace("<svg ", '<svg class="sprite" aria-hidden="true" ', 1)


def _policy() -> str:
    """Return the content security policy: this style sheet and embedded images, nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            # Bar positions are inline styles; their numbers are computed here, not sent.
            "style-src-attr 'unsafe-inline'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _head(trace: ExportedTrace) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(trace.name or trace.trace_id)}</title>\n"
        f"<style>{_style()}</style>\n</head>\n<body>\n{_sprite()}\n"
    )


def _title(trace: ExportedTrace) -> str:
    facts = dict(figures.facts(trace))
    failed = '<span class="chip bad">Failed</span>' if trace.status == "error" else ""
    running = '<span class="chip">Running</span>' if trace.status == "running" else ""
    totals = [facts["Took"] if not running else "", figures.tokens(trace), facts.get("Cost", "")]
    totals += [plural(trace.span_count, "span")]
    errors = plural(trace.error_count, "error") if trace.error_count else ""
    values = "".join(f"<b>{escape(text)}</b>" for text in totals if text)
    return (
        f'<header class="head"><div>{failed}{running}<h1>{escape(trace.name or "unnamed")}</h1>'
        f"{values}"
        + (f'<span class="bad">{errors}</span>' if errors else "")
        + f"</div><div><small>{escape(facts['Started'])}</small>"
        f"<small>{escape(trace.trace_id)}</small></div></header>\n"
    )


class _Axis:
    """Positions of spans on the trace's time axis, in percent."""

    def __init__(self, trace: ExportedTrace) -> None:
        self._start = trace.start_time
        self._length = max((trace.end_time - trace.start_time).total_seconds(), 1e-6)
        self._duration = figures.duration(trace.start_time, trace.end_time)

    def header(self) -> str:
        return (
            f'<div class="axis"><span>Spans</span><span><span>0</span><span>{self._duration}</span>'
            '</span><span class="num">Time</span><span class="num">Tokens</span>'
            '<span class="num">Cost</span></div>\n'
        )

    def bar(self, span: ExportedSpan) -> str:
        if span.placeholder:
            return ""
        left = self._percent(span.start_time)
        # A running span extends to the end; times outside of the trace are clamped.
        right = self._percent(span.end_time) if span.end_time else 100.0
        css = "" if span.end_time else " run"
        width = max(right - left, 0.0)
        return f'<i class="bar{css}" style="--x:{left:.2f};--w:{width:.2f}"></i>'

    def _percent(self, time: datetime) -> float:
        part = (time - self._start).total_seconds() / self._length * 100
        return max(0.0, min(100.0, part))


def _tree(source: Source, axis: _Axis) -> Iterator[str]:
    """Yield the rows, nested; a row is written once the next row shows whether it has children."""
    small = source.trace.span_count <= _OPEN_SPANS
    open_depths: list[int] = []
    previous: tuple[int, Row] | None = None
    for index, row in enumerate(source.upper(MAX_SPANS)):
        if previous is not None:
            yield _row(
                previous[0], previous[1], axis, row.depth > previous[1].depth, small, open_depths
            )
        while open_depths and open_depths[-1] >= row.depth:
            open_depths.pop()
            yield "</div></details>\n"
        previous = index, row
    if previous is None:
        yield '<p class="more">No span of this trace has arrived.</p>\n'
        return
    yield _row(previous[0], previous[1], axis, False, small, open_depths)
    yield "</div></details>\n" * len(open_depths)


def _row(
    index: int, row: Row, axis: _Axis, is_parent: bool, small: bool, open_depths: list[int]
) -> str:
    """Return a row; of a parent, with the opening tags of the element for its children."""
    depth = min(row.depth, _MAX_INDENT)
    cells = _cells(index, row.span, axis, is_parent)
    css_failed = " err" if row.span.status == "error" else ""
    css_lost = " lost" if row.span.placeholder else ""
    css = f'class="row k-{escape(row.span.kind)}{css_failed}{css_lost}" style="--depth:{depth}"'
    left_out = f"{plural(row.left_out, 'span')} below, not in this file"
    more = f'<p class="more" style="--depth:{depth + 1}">{left_out}</p>' if row.left_out else ""
    if not is_parent:
        return f"<div {css}>{cells}</div>{more}\n"
    open_depths.append(row.depth)
    opened = " open" if small or row.depth < _OPEN_DEPTH else ""
    return f"<details{opened}><summary {css}>{cells}</summary><div>{more}\n"


def _cells(index: int, span: ExportedSpan, axis: _Axis, is_parent: bool) -> str:
    toggle = icon("chevron", "turn") if is_parent else ""
    kind_icon = icon("gap") if span.placeholder else icon(span.kind)
    name = "not received" if span.placeholder else span.name or "unnamed"
    message = span.status_message if span.level in ("error", "warning") else None
    detail = escape((message or span.model or "")[:120])
    level = {"error": "bad", "warning": "warn"}.get(span.level, "") if message else ""
    cells = ["", "", ""]
    if not span.placeholder:
        cells = [
            figures.duration(span.start_time, span.end_time),
            "" if span.total_tokens is None else f"{span.total_tokens:,}",
            figures.dollars(span.total_cost),
        ]
    return (
        f'<span class="name">{toggle}{kind_icon}<a href="#s{index}">{escape(name[:300])}</a>'
        + (f'<small class="{level}">{detail}</small>' if detail else "")
        + f'</span><span class="wf">{axis.bar(span)}</span>'
        + "".join(f'<span class="num">{text}</span>' for text in cells)
    )
