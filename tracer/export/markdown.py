"""A trace as a transcript in Markdown: what was asked and answered, span by span, with ids.

Given a budget of tokens it leaves out, and says so: first the insides of long values, then the
values, then the deeper levels of the tree. What has been shown once is not shown again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tracer.export import words
from tracer.export.records import ExportedSpan, Row, Source, Text, decoded
from tracer.messages.conversation import Message, Part, read_messages
from tracer.records import Json

CHARACTERS_A_TOKEN: Final = 4
"""An estimate that holds for English and code; other languages take fewer."""

_CAPS: Final = (None, 6_000, 2_000, 600, 200, 0)
_LINE: Final = 100
"""Characters of a span's heading, about."""
_REMEMBERED: Final = 20_000
_SHORT: Final = 80
_MESSAGE: Final = 2_000
_NOT_RECEIVED: Final = "not received: only spans under it have arrived"


@dataclass
class _Account:
    """What a transcript leaves out, and what it has shown already."""

    cap: int | None
    values: int = 0
    characters: int = 0
    spans: int = 0
    shown: dict[int, str] = field(default_factory=dict)
    """Hash of a text -> the span that showed it."""

    def met(self, text: str, span_id: str) -> str | None:
        """Return the span that has shown this text; None: it is new, or too short to matter."""
        if len(text) < _SHORT:
            return None
        # Forgetting shows something twice; remembering all would grow with the trace.
        if len(self.shown) >= _REMEMBERED:
            self.shown.clear()
        first = self.shown.setdefault(hash(text), span_id)
        return first if first != span_id else None

    def cut(self, text: str) -> str:
        """Return the text within the cap: its beginning and its end."""
        if self.cap is None or len(text) <= self.cap:
            return text
        left_out = len(text) - self.cap
        self.values += 1
        self.characters += left_out
        head, tail = self.cap * 2 // 3, self.cap // 3
        told = f"… [{left_out:,} characters left out] …"
        return f"{text[:head]}\n{told}\n{text[len(text) - tail :]}"

    def skip(self, text: msgspec.Raw) -> None:
        """Leave out a whole value."""
        self.values += 1
        self.characters += len(bytes(text))

    def told(self) -> list[str]:
        """Return what was left out, as sentences."""
        found = []
        if self.values:
            place = "all inputs and outputs" if self.cap == 0 else "each where it says so"
            said = f"{self.characters:,} characters of {words.plural(self.values, 'value')}"
            found.append(f"{said}: {place}")
        if self.spans:
            found.append(f"{words.plural(self.spans, 'span')} in deeper levels of the tree")
        return found


def write(source: Source, budget: int | None = None) -> Iterator[str]:
    """Yield the transcript, within about ``budget`` tokens where one is given."""
    if budget is None:
        yield from _document(source, source.in_tree(), _Account(None), None)
        return
    most = budget * CHARACTERS_A_TOKEN
    for cap in _CAPS:
        text = _within(_document(source, source.in_tree(), _Account(cap), budget), most)
        if text is not None:
            yield text
            return
    yield _upper(source, budget, most)


def _upper(source: Source, budget: int, most: int) -> str:
    """Return the headings of as many levels as fit."""
    rows = most // _LINE
    while rows > 1:
        account = _Account(0)
        text = _within(_document(source, source.upper(rows), account, budget), most)
        if text is not None:
            return text
        rows = rows * 2 // 3
    return "".join(_head(source, budget))[:most]


def _within(chunks: Iterable[str], most: int) -> str | None:
    """Return the chunks as one text, None where that would be longer than ``most``."""
    found, length = [], 0
    for chunk in chunks:
        found.append(chunk)
        length += len(chunk)
        if length > most:
            return None
    return "".join(found)


def _document(
    source: Source, rows: Iterable[Row], account: _Account, budget: int | None
) -> Iterator[str]:
    yield from _head(source, budget)
    for score in source.scores():
        value = score.string_value if score.value is None else f"{score.value:g}"
        of = f" of span `{score.span_id}`" if score.span_id else ""
        said = f": {_inline(score.comment)}" if score.comment else ""
        yield f"- Score **{_inline(score.name)}** = {_inline(str(value))}{of}{said}\n"
    yield "\n## Spans\n"
    count = 0
    for row in rows:
        count += not row.span.placeholder
        yield from _entry(row, account)
    account.spans = source.trace.span_count - count
    if left_out := account.told():
        yield "\n## Left out\n\n" + "".join(f"- {text}\n" for text in left_out)
    yield "\n*End of the trace.*\n"


def _head(source: Source, budget: int | None) -> Iterator[str]:
    yield f"# {_inline(source.trace.name or 'Unnamed trace')}\n\n"
    if budget is not None:
        yield (
            f"> Kept within about {budget:,} tokens, at {CHARACTERS_A_TOKEN} characters a token."
            " What had to be left out is said at the end.\n\n"
        )
    for name, text in words.facts(source.trace):
        yield f"- {name}: {_code(text) if name == 'Trace' else _inline(text)}\n"


def _entry(row: Row, account: _Account) -> Iterator[str]:
    span = row.span
    yield f"\n{'#' * min(row.depth + 3, 6)} {_title(span)}\n\n{_facts(row)}\n"
    if span.status_message and span.level in ("error", "warning"):
        yield f"\n{span.level.capitalize()}:\n{_fenced(span.status_message[:_MESSAGE], 'text')}"
    for label, text, output in (("Input", span.input, False), ("Output", span.output, True)):
        if text is None:
            continue
        if account.cap == 0:
            account.skip(text)
        else:
            yield from _value(label, text, output, span.span_id, account)


def _title(span: ExportedSpan) -> str:
    if span.placeholder:
        return _NOT_RECEIVED
    return f"{span.kind}: {_inline(span.name or 'unnamed')}"


def _facts(row: Row) -> str:
    span = row.span
    told = [f"span {_code(span.span_id)}"]
    if span.parent_span_id is not None:
        told.append(f"under {_code(span.parent_span_id)}")
    if not span.placeholder:
        told += [
            words.took(span.start_time, span.end_time),
            _inline(span.model or ""),
            words.tokens(span),
            words.dollars(span.total_cost),
            "**failed**" if span.status == "error" else "",
            " ".join(span.flags or []),
        ]
    if row.left_out:
        told.append(f"{words.plural(row.left_out, 'span')} below left out")
    return ", ".join(text for text in told if text)


def _value(label: str, text: Text, output: bool, span_id: str, account: _Account) -> Iterator[str]:
    value = decoded(text)
    messages = read_messages(value, output=output)
    if messages:
        yield f"\n{label}:\n"
        yield from _messages(messages, span_id, account)
        return
    shown, language = (value, "text") if isinstance(value, str) else (_pretty(value), "json")
    first = account.met(shown, span_id)
    if first is not None:
        yield f"\n{label}: as in span {_code(first)}\n"
    else:
        yield f"\n{label}:\n{_fenced(account.cut(shown), language)}"


def _messages(messages: list[Message], span_id: str, account: _Account) -> Iterator[str]:
    """Yield messages, those that an earlier span has shown as one line."""
    repeated: dict[str, int] = {}
    fresh = []
    for message in messages:
        parts = [_part(part) for part in message.parts]
        first = account.met("\n".join(text for _, text, _ in parts), span_id)
        if first is not None:
            repeated[first] = repeated.get(first, 0) + 1
        else:
            fresh.append((message.role, parts))
    for first, count in repeated.items():
        yield f"\n({words.plural(count, 'message')} as in span {_code(first)})\n"
    for role, parts in fresh:
        for title, text, language in parts:
            yield f"\n**{_inline(role)}**{title}\n{_fenced(account.cut(text), language)}"


def _part(part: Part) -> tuple[str, str, str]:
    """Return what stands beside the role, the text, and the language of its block."""
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
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()


def _fenced(text: str, language: str) -> str:
    """Return a block that nothing in the text can end."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{text}\n{fence}\n"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{' '.join(text.split())}{fence}"


def _inline(text: str) -> str:
    """Return text on one line, in which nothing is markup."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(text.split()))
