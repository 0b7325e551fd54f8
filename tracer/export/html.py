"""A trace as one HTML file that needs nothing else: its tree with bars, and every span beside it.

There is no script in it. A row is a link to the span's part of the page, which style sheets show
while the address names it. Everything that an application sent is text: it is escaped, and the
page's own security policy forbids scripts, requests and forms.
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
from tracer.export import words
from tracer.export.html_span import Budget, icon, overview, section
from tracer.export.records import ExportedSpan, ExportedTrace, Row, Source

MOST_SPANS: Final = 20_000
_OPEN_SPANS: Final = 2_000
"""A larger tree opens its first levels only."""
_OPEN_DEPTH: Final = 2
_MOST_INDENT: Final = 16


def write(source: Source) -> Iterator[str]:
    """Yield the file. It ends with ``</html>``; one that was cut off does not."""
    trace = source.trace
    axis = _Axis(trace)
    yield _head(trace)
    yield _title(trace)
    left_out = trace.span_count - MOST_SPANS
    if left_out > 0:
        yield (
            f'<p class="note">The file holds the upper {MOST_SPANS:,} spans of the tree, and leaves'
            f" out {left_out:,} below them. The whole trace is in the JSON and CSV exports.</p>\n"
        )
    yield '<main class="panes"><section class="tree" aria-label="Spans">\n'
    yield axis.header()
    yield from _tree(source, axis)
    yield '</section>\n<aside class="panel" aria-label="Selected span">\n'
    yield overview(trace, source.scores())
    budget = Budget()
    for number, row in enumerate(source.upper(MOST_SPANS)):
        yield section(number, row.span, budget)
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
    """Return the policy of the page: this style sheet, pictures that are in it, nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            # Where each bar lies is said in an attribute, of numbers that are our own.
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
    told = dict(words.facts(trace))
    failed = '<span class="chip bad">Failed</span>' if trace.status == "error" else ""
    running = '<span class="chip">Running</span>' if trace.status == "running" else ""
    sums = [told["Took"] if not running else "", words.tokens(trace), told.get("Cost", "")]
    sums += [words.plural(trace.span_count, "span")]
    errors = words.plural(trace.error_count, "error") if trace.error_count else ""
    figures = "".join(f"<b>{escape(text)}</b>" for text in sums if text)
    return (
        f'<header class="head"><div>{failed}{running}<h1>{escape(trace.name or "unnamed")}</h1>'
        f"{figures}"
        + (f'<span class="bad">{errors}</span>' if errors else "")
        + f"</div><div><small>{escape(told['Started'])}</small>"
        f"<small>{escape(trace.trace_id)}</small></div></header>\n"
    )


class _Axis:
    """Where spans lie in the trace's time, in percent."""

    def __init__(self, trace: ExportedTrace) -> None:
        self._start = trace.start_time
        self._length = max((trace.end_time - trace.start_time).total_seconds(), 1e-6)
        self._took = words.took(trace.start_time, trace.end_time)

    def header(self) -> str:
        return (
            f'<div class="axis"><span>Spans</span><span><span>0</span><span>{self._took}</span>'
            '</span><span class="num">Time</span><span class="num">Tokens</span>'
            '<span class="num">Cost</span></div>\n'
        )

    def bar(self, span: ExportedSpan) -> str:
        if span.placeholder:
            return ""
        left = self._percent(span.start_time)
        # What runs reaches to the end; wrong clocks stay within the row.
        right = self._percent(span.end_time) if span.end_time else 100.0
        run = "" if span.end_time else " run"
        width = max(right - left, 0.0)
        return f'<i class="bar{run}" style="--x:{left:.2f};--w:{width:.2f}"></i>'

    def _percent(self, time: datetime) -> float:
        part = (time - self._start).total_seconds() / self._length * 100
        return max(0.0, min(100.0, part))


def _tree(source: Source, axis: _Axis) -> Iterator[str]:
    """Yield the rows, nested; whether a row has any below it is known when the next one comes."""
    small = source.trace.span_count <= _OPEN_SPANS
    open_depths: list[int] = []
    before: tuple[int, Row] | None = None
    for number, row in enumerate(source.upper(MOST_SPANS)):
        if before is not None:
            yield _row(before[0], before[1], axis, row.depth > before[1].depth, small, open_depths)
        while open_depths and open_depths[-1] >= row.depth:
            open_depths.pop()
            yield "</div></details>\n"
        before = number, row
    if before is None:
        yield '<p class="more">None of its spans has arrived.</p>\n'
        return
    yield _row(before[0], before[1], axis, False, small, open_depths)
    yield "</div></details>\n" * len(open_depths)


def _row(
    number: int, row: Row, axis: _Axis, parent: bool, small: bool, open_depths: list[int]
) -> str:
    """Return a row, and where spans follow below it the beginning of what holds them."""
    depth = min(row.depth, _MOST_INDENT)
    cells = _cells(number, row.span, axis, parent)
    failed = " err" if row.span.status == "error" else ""
    lost = " lost" if row.span.placeholder else ""
    css = f'class="row k-{escape(row.span.kind)}{failed}{lost}" style="--depth:{depth}"'
    left_out = f"{words.plural(row.left_out, 'span')} below, not in this file"
    more = f'<p class="more" style="--depth:{depth + 1}">{left_out}</p>' if row.left_out else ""
    if not parent:
        return f"<div {css}>{cells}</div>{more}\n"
    open_depths.append(row.depth)
    opened = " open" if small or row.depth < _OPEN_DEPTH else ""
    return f"<details{opened}><summary {css}>{cells}</summary><div>{more}\n"


def _cells(number: int, span: ExportedSpan, axis: _Axis, parent: bool) -> str:
    turn = icon("chevron", "turn") if parent else ""
    mark = icon("gap") if span.placeholder else icon(span.kind)
    name = "not received" if span.placeholder else span.name or "unnamed"
    said = span.status_message if span.level in ("error", "warning") else None
    beside = escape((said or span.model or "")[:120])
    level = {"error": "bad", "warning": "warn"}.get(span.level, "") if said else ""
    figures = ["", "", ""]
    if not span.placeholder:
        figures = [
            words.took(span.start_time, span.end_time),
            "" if span.total_tokens is None else f"{span.total_tokens:,}",
            words.dollars(span.total_cost),
        ]
    return (
        f'<span class="name">{turn}{mark}<a href="#s{number}">{escape(name[:300])}</a>'
        + (f'<small class="{level}">{beside}</small>' if beside else "")
        + f'</span><span class="wf">{axis.bar(span)}</span>'
        + "".join(f'<span class="num">{text}</span>' for text in figures)
    )
