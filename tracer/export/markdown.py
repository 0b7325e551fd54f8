"""Markdown export: a transcript of inputs and outputs, span by span, with ids.

To keep within a token budget it leaves out first the middle of long values, then the values, then
the deeper levels of the tree, and lists at the end what is left out. A repeated text is replaced by
a reference to the span that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from tracer import exact_json
from tracer.analysis.context.totals import ContextTotals
from tracer.export import figures
from tracer.export.records import ExportedSpan, Row, Source
from tracer.export.repeated_messages import MessageReader
from tracer.messages.conversation import Message, Part
from tracer.records import Json
from tracer.wording import plural

CHARACTERS_PER_TOKEN: Final = 4
"""An estimate for English and code; other languages have fewer characters per token."""

# Characters shown of a value, tried in this order until the text fits the budget.
_CAPS: Final = (None, 6_000, 2_000, 600, 200, 0)
_HEADING_CHARACTERS: Final = 100
"""Estimated length of a span's heading and facts."""
_MAX_SHOWN: Final = 20_000
_SHORT_CHARACTERS: Final = 80
_MESSAGE_CHARACTERS: Final = 2_000
_NOT_RECEIVED: Final = "not received: only spans under it have arrived"


class _Written(NamedTuple):
    """The parts of a message: heading after the role, text, and language of its code block."""

    message: Message
    parts: list[tuple[str, str, str]]
    text: str


@dataclass
class _Progress:
    """The texts that a transcript has shown, and counts of what it leaves out."""

    cap: int | None
    values: int = 0
    characters: int = 0
    spans: int = 0
    shown: dict[int, str] = field(default_factory=dict)
    """Hash of a text -> the span that showed it."""
    reader: MessageReader = field(default_factory=MessageReader)
    written: dict[int, _Written] = field(default_factory=dict)
    """By the id of a message: most messages are sent again with each call."""

    def shown_before(self, text: str, span_id: str) -> str | None:
        """Return the id of the earlier span that shows this text; None: it is new, or short."""
        if len(text) < _SHORT_CHARACTERS:
            return None
        # Bounds the memory; after a reset a text may be shown a second time.
        if len(self.shown) >= _MAX_SHOWN:
            self.shown.clear()
        first = self.shown.setdefault(hash(text), span_id)
        return first if first != span_id else None

    def parts_of(self, message: Message) -> _Written:
        """Return a message as it is written."""
        written = self.written.get(id(message))
        if written is None:
            parts = [_part(part) for part in message.parts]
            written = _Written(message, parts, "\n".join(text for _, text, _ in parts))
            if len(self.written) >= _MAX_SHOWN:
                self.written.clear()
            self.written[id(message)] = written
        return written

    def cut(self, text: str) -> str:
        """Return the text, or its beginning and end if it exceeds the cap."""
        if self.cap is None or len(text) <= self.cap:
            return text
        left_out = len(text) - self.cap
        self.values += 1
        self.characters += left_out
        head, tail = self.cap * 2 // 3, self.cap // 3
        note = f"… [{left_out:,} characters left out] …"
        return f"{text[:head]}\n{note}\n{text[len(text) - tail :]}"

    def skip(self, text: msgspec.Raw) -> None:
        """Count a value as left out completely."""
        self.values += 1
        self.characters += len(bytes(text))

    def omissions(self) -> list[str]:
        """Return what was left out, one phrase each."""
        phrases = []
        if self.values:
            scope = "all inputs and outputs" if self.cap == 0 else "marked where they are missing"
            amount = f"{self.characters:,} characters of {plural(self.values, 'value')}"
            phrases.append(f"{amount}: {scope}")
        if self.spans:
            phrases.append(f"{plural(self.spans, 'span')} in deeper levels of the tree")
        return phrases


def write(source: Source, budget: int | None = None) -> Iterator[str]:
    """Yield the transcript; with a ``budget``, of about that many tokens at most."""
    if budget is None:
        yield from _document(source, source.in_tree(), _Progress(None), None)
        return
    limit = budget * CHARACTERS_PER_TOKEN
    for cap in _CAPS:
        text = _within(_document(source, source.in_tree(), _Progress(cap), budget), limit)
        if text is not None:
            yield text
            return
    yield _upper(source, budget, limit)


def _upper(source: Source, budget: int, limit: int) -> str:
    """Return headings without values, of as many levels of the tree as fit."""
    rows = limit // _HEADING_CHARACTERS
    while rows > 1:
        progress = _Progress(0)
        text = _within(_document(source, source.upper(rows), progress, budget), limit)
        if text is not None:
            return text
        rows = rows * 2 // 3
    return "".join(_head(source, budget))[:limit]


def _within(chunks: Iterable[str], limit: int) -> str | None:
    """Return the chunks as one text; None: it would be longer than ``limit`` characters."""
    parts, length = [], 0
    for chunk in chunks:
        parts.append(chunk)
        length += len(chunk)
        if length > limit:
            return None
    return "".join(parts)


def _document(
    source: Source, rows: Iterable[Row], progress: _Progress, budget: int | None
) -> Iterator[str]:
    yield from _head(source, budget)
    for score in source.scores():
        value = figures.score_value(score)
        subject = f" of span `{score.span_id}`" if score.span_id else ""
        comment = f": {_inline(score.comment)}" if score.comment else ""
        yield f"- Score **{_inline(score.name)}** = {_inline(value)}{subject}{comment}\n"
    yield from _context(source.context())
    yield "\n## Spans\n"
    count = 0
    for row in rows:
        count += not row.span.placeholder
        yield from _entry(row, progress)
    progress.spans = source.trace.span_count - count
    if left_out := progress.omissions():
        yield "\n## Left out\n\n" + "".join(f"- {text}\n" for text in left_out)
    yield "\n*End of the trace.*\n"


def _head(source: Source, budget: int | None) -> Iterator[str]:
    yield f"# {_inline(source.trace.name or 'Unnamed trace')}\n\n"
    if budget is not None:
        yield (
            f"> Limited to about {budget:,} tokens, at {CHARACTERS_PER_TOKEN} characters a token."
            " The end lists what is left out.\n\n"
        )
    for name, text in figures.facts(source.trace):
        yield f"- {name}: {_code(text) if name == 'Trace' else _inline(text)}\n"


def _context(totals: ContextTotals) -> Iterator[str]:
    """Yield the figures of the repeated input; nothing where no input was repeated."""
    if len(totals.steps) < 2 or not totals.sent_before:
        return
    yield "\n## Context\n\n"
    yield (
        f"- {totals.share:.0f} % of the input is repeated: about {totals.sent_before:,} of"
        f" {totals.input_tokens:,} input tokens in {len(totals.steps):,} model calls\n"
    )
    if totals.cache_read is not None:
        yield f"- Read from caches: {totals.cache_read:,} tokens\n"
    if totals.cost and totals.repeated_cost:
        yield (
            f"- Cost of the repeated input: {figures.dollars(totals.repeated_cost)} of"
            f" {figures.dollars(totals.cost)}; caching all of it would have saved"
            f" {figures.dollars(totals.avoidable_cost)}\n"
        )
    for step in totals.growers:
        yield f"- Grew the context: span {_code(step.span_id)}, {step.new_tokens:,} new tokens\n"
    for step in totals.steps:
        if step.compacted:
            yield f"- Shortened the conversation: span {_code(step.span_id)}\n"
    for result in totals.unused_results:
        yield (
            f"- No later answer refers to a result of {_inline(result.tool or 'a tool')}, about"
            f" {result.tokens:,} tokens in {plural(result.calls, 'call')} from span"
            f" {_code(result.span_id)} on\n"
        )


def _entry(row: Row, progress: _Progress) -> Iterator[str]:
    span = row.span
    yield f"\n{'#' * min(row.depth + 3, 6)} {_title(span)}\n\n{_facts(row)}\n"
    if span.status_message and span.level in ("error", "warning"):
        message = span.status_message[:_MESSAGE_CHARACTERS]
        yield f"\n{span.level.capitalize()}:\n{_fenced(message, 'text')}"
    for label, text, output in (("Input", span.input, False), ("Output", span.output, True)):
        if text is None:
            continue
        if progress.cap == 0:
            progress.skip(text)
        else:
            yield from _value(label, text, output, span.span_id, progress)


def _title(span: ExportedSpan) -> str:
    if span.placeholder:
        return _NOT_RECEIVED
    return f"{span.kind}: {_inline(span.name or 'unnamed')}"


def _facts(row: Row) -> str:
    span = row.span
    facts = [f"span {_code(span.span_id)}"]
    if span.parent_span_id is not None:
        facts.append(f"under {_code(span.parent_span_id)}")
    if not span.placeholder:
        facts += [
            figures.duration(span.start_time, span.end_time),
            _inline(span.model or ""),
            figures.tokens(span),
            figures.dollars(span.total_cost),
            "**failed**" if span.status == "error" else "",
            " ".join(span.flags or []),
        ]
    if row.left_out:
        facts.append(f"{plural(row.left_out, 'span')} below left out")
    return ", ".join(text for text in facts if text)


def _value(
    label: str, text: msgspec.Raw, output: bool, span_id: str, progress: _Progress
) -> Iterator[str]:
    value = progress.reader.value(text)
    messages = progress.reader.messages(value, output=output)
    if messages:
        yield f"\n{label}:\n"
        yield from _messages(messages, span_id, progress)
        return
    shown, language = (value, "text") if isinstance(value, str) else (_pretty(value), "json")
    first = progress.shown_before(shown, span_id)
    if first is not None:
        yield f"\n{label}: as in span {_code(first)}\n"
    else:
        yield f"\n{label}:\n{_fenced(progress.cut(shown), language)}"


def _messages(messages: list[Message], span_id: str, progress: _Progress) -> Iterator[str]:
    """Yield the messages; those that an earlier span shows are summarised in one line."""
    repeated: dict[str, int] = {}
    new_messages = []
    for message in messages:
        written = progress.parts_of(message)
        first = progress.shown_before(written.text, span_id)
        if first is not None:
            repeated[first] = repeated.get(first, 0) + 1
        else:
            new_messages.append((message.role, written.parts))
    for first, count in repeated.items():
        yield f"\n({plural(count, 'message')} as in span {_code(first)})\n"
    for role, parts in new_messages:
        for title, text, language in parts:
            yield f"\n**{_inline(role)}**{title}\n{_fenced(progress.cut(text), language)}"


def _part(part: Part) -> tuple[str, str, str]:
    """Return the heading after the role, the text, and the language of its code block."""
    name = f" `{_inline(part.name)}`" if part.name else ""
    if part.type == "tool_call":
        return f" calls{name}", _pretty(part.data), "json"
    if part.type == "tool_result":
        value = part.data if part.data is not None else part.text
        if part.parts:
            value = "\n\n".join(_part(inner)[1] for inner in part.parts)
        return f" gets the result{name}", *_shown(value)
    if part.type == "reasoning":
        return " reasons", part.text or "", "text"
    if part.type == "text":
        return "", part.text or "", "text"
    return f" sends {part.type}{name}", *_shown(part.text or part.url or part.data)


def _shown(value: Json) -> tuple[str, str]:
    return (value, "text") if isinstance(value, str) else (_pretty(value), "json")


def _pretty(value: Any) -> str:
    return msgspec.json.format(exact_json.encode(value), indent=1).decode()


def _fenced(text: str, language: str) -> str:
    """Return a code block whose fence is longer than any backticks in the text."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{text}\n{fence}\n"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{' '.join(text.split())}{fence}"


def _inline(text: str) -> str:
    """Return text on one line, with all Markdown characters escaped."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(text.split()))
