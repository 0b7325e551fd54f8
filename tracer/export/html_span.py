"""The panel sections of the HTML export: one for the trace, one for each span."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final

import msgspec

from tracer import exact_json
from tracer.export import figures
from tracer.export.records import ExportedScore, ExportedSpan, ExportedTrace, Text, decoded
from tracer.messages.conversation import Message, Part, read_messages
from tracer.records import KINDS, Json, decimals
from tracer.times import shown_time
from tracer.wording import plural

_VALUE_CHARACTERS: Final = 100_000
_PAGE_CHARACTERS: Final = 60_000_000
_MAX_MESSAGES: Final = 200
# Embedded raster images only: the policy allows nothing else, and SVG could contain scripts.
_PICTURE: Final = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]{1,400000}")
_COLLAPSED_FIELDS: Final = (
    ("Metadata", "metadata"),
    ("Model parameters", "model_parameters"),
    ("Tools offered", "tools"),
    ("Attributes", "attributes"),
    ("Events", "events"),
    ("Links", "links"),
    ("Resource", "resource"),
    ("Scope", "scope"),
    ("Notes", "notes"),
)
_ICONS: Final = frozenset((*KINDS, "chevron", "gap", "error"))


class Budget:
    """The characters that the page may still contain: browsers keep a whole page in memory."""

    def __init__(self) -> None:
        self._left = _PAGE_CHARACTERS

    def escaped(self, text: str) -> str:
        """Return the text escaped; a long one is cut, with the number of characters left out."""
        limit = min(_VALUE_CHARACTERS, max(self._left, 0))
        self._left -= min(len(text), limit)
        if len(text) <= limit:
            return escape(text)
        return f"{escape(text[:limit])}\n[{len(text) - limit:,} more characters left out]"


def icon(name: str, css: str = "") -> str:
    """Return an icon of the page's sprite; an unknown name gives the span icon."""
    name = name if name in _ICONS else "span"
    return f'<svg class="i {css}" aria-hidden="true"><use href="#{name}"/></svg>'


def overview(trace: ExportedTrace, scores: Iterable[ExportedScore]) -> str:
    """Return the section of the trace, shown while no span is selected."""
    budget = Budget()
    parts = ['<section class="about"><header><h2>Trace</h2></header>']
    if trace.status == "error" and trace.error_message:
        parts.append(f'<p class="alert">{escape(trace.error_message)}</p>')
    parts.append(_facts(figures.facts(trace)))
    parts.append(_scores(list(scores)))
    parts.append(_value("Input", trace.input, False, budget))
    parts.append(_value("Output", trace.output, True, budget))
    parts.append(_collapsed("Metadata", trace.metadata, budget))
    parts.append('<p class="end">Select a span in the tree to see its data.</p>')
    return "".join(parts) + "</section>\n"


def section(index: int, span: ExportedSpan, budget: Budget) -> str:
    """Return the section of a span, shown while the span is selected."""
    name = "not received" if span.placeholder else span.name or "unnamed"
    failed = " err" if span.status == "error" else ""
    parts = [
        f'<section class="span k-{escape(span.kind)}{failed}" id="s{index}"><header>'
        f'<h2>{icon(span.kind)}{escape(name)}<a href="#">close</a></h2>{_figures(span)}</header>'
    ]
    if span.placeholder:
        parts.append(
            '<p class="box">This span has not arrived; its children name it as their parent.</p>'
        )
    if span.status_message and span.level in ("error", "warning"):
        parts.append(f'<p class="alert">{budget.escaped(span.status_message)}</p>')
    parts.append(_value("Input", span.input, False, budget))
    parts.append(_value("Output", span.output, True, budget))
    parts.append(_facts(_span_facts(span)))
    parts += [_collapsed(title, getattr(span, field), budget) for title, field in _COLLAPSED_FIELDS]
    return "".join(parts) + "</section>\n"


def _figures(span: ExportedSpan) -> str:
    if span.placeholder:
        return ""
    first = span.first_token_time
    figure_list = [
        ("Duration", figures.duration(span.start_time, span.end_time)),
        ("First token", figures.duration(span.start_time, first) if first else ""),
        ("Model", span.model or ""),
        ("Tokens", figures.tokens(span)),
        ("Cost", figures.dollars(span.total_cost)),
    ]
    pairs = "".join(
        f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in figure_list if text
    )
    return f'<dl class="figures">{pairs}</dl>'


def _span_facts(span: ExportedSpan) -> list[tuple[str, str]]:
    usage: dict[str, int] = decoded(span.usage) or {}
    cost = decimals(decoded(span.cost))
    reasons: list[str] = decoded(span.finish_reasons) or []
    requested = span.requested_model if span.requested_model != span.model else None
    return [
        ("Span", span.span_id),
        ("Parent", span.parent_span_id or ""),
        ("Parent as sent", span.sent_parent_id or ""),
        ("Kind", span.kind),
        ("Level", "" if span.level == "default" else span.level),
        ("Started", shown_time(span.start_time) if not span.placeholder else ""),
        ("Ended", shown_time(span.end_time) if span.end_time else ""),
        ("Requested model", requested or ""),
        ("Provider", span.provider or ""),
        ("Usage", ", ".join(f"{count:,} {kind}" for kind, count in usage.items())),
        (
            "Cost by type",
            ", ".join(f"{figures.dollars(amount)} {kind}" for kind, amount in cost.items()),
        ),
        ("Stopped at", ", ".join(reasons)),
        ("Prompt", f"{span.prompt_name or ''} {span.prompt_version or ''}".strip()),
        ("Flags", ", ".join(span.flags or [])),
    ]


def _facts(facts: list[tuple[str, str]]) -> str:
    pairs = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts if text)
    return f'<h3>Facts</h3><dl class="facts">{pairs}</dl>'


def _scores(scores: list[ExportedScore]) -> str:
    if not scores:
        return ""
    rows = [
        (
            score.name,
            figures.score_value(score),
            score.span_id or "",
            score.source,
            score.comment or "",
        )
        for score in scores
    ]
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    names = ("Score", "Value", "Span", "Source", "Comment")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<h3>Scores</h3><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _collapsed(title: str, text: Text, budget: Budget) -> str:
    value = decoded(text)
    if not value:
        return ""
    return (
        f'<details class="fold"><summary>{title}</summary>'
        f'<div class="box"><pre>{budget.escaped(_pretty(value))}</pre></div></details>'
    )


def _value(title: str, text: Text, output: bool, budget: Budget) -> str:
    if text is None:
        return ""
    value = decoded(text)
    messages = read_messages(value, output=output)
    if messages:
        return f"<h3>{title}</h3>{_messages(messages, budget)}"
    if isinstance(value, str):
        return f'<h3>{title}</h3><div class="box say" dir="auto">{budget.escaped(value)}</div>'
    return f'<h3>{title}</h3><div class="box"><pre>{budget.escaped(_pretty(value))}</pre></div>'


def _messages(messages: list[Message], budget: Budget) -> str:
    shown = messages[-_MAX_MESSAGES:]
    earlier = len(messages) - len(shown)
    note = f'<p class="box">{plural(earlier, "earlier message")} left out.</p>'
    return (note if earlier else "") + "".join(_message(message, budget) for message in shown)


def _message(message: Message, budget: Budget) -> str:
    role = message.role if message.role in ("user", "assistant", "system", "tool") else "other"
    body = "".join(_part(part, budget) for part in message.parts)
    sender = escape(f"{message.role} {message.name or ''}".strip())
    return f'<article class="msg {role}"><p>{sender}</p><div>{body}</div></article>'


def _part(part: Part, budget: Budget) -> str:
    if part.type == "text":
        return f'<div class="say" dir="auto">{budget.escaped(part.text or "")}</div>'
    if part.type == "reasoning":
        text = budget.escaped(part.text or "")
        return (
            '<details class="fold"><summary>Reasoning</summary>'
            f'<div class="say" dir="auto">{text}</div></details>'
        )
    if part.type == "image" and _PICTURE.fullmatch(part.url or ""):
        return f'<img class="picture" src="{escape(part.url or "")}" alt="Image in the message">'
    if part.parts:
        inner = "".join(_part(piece, budget) for piece in part.parts)
        return _call(f"{part.name or ''} result".strip(), inner)
    titles = {"tool_call": part.name or "tool", "tool_result": f"{part.name or ''} result".strip()}
    value = part.data if part.data is not None else part.text or part.url
    shown = value if isinstance(value, str) else _pretty(value)
    title = titles.get(part.type, part.name or part.type)
    return _call(title, f"<pre>{budget.escaped(shown)}</pre>")


def _call(title: str, body: str) -> str:
    header = f"<header>{icon('tool')} <b>{escape(title)}</b></header>"
    return f'<div class="call k-tool">{header}{body}</div>'


def _pretty(value: Json) -> Any:
    return msgspec.json.format(exact_json.encode(value), indent=2).decode()
