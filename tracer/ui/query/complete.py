"""Completion of queries while they are typed, and the page that explains the query language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, request

from tracer.errors import Invalid, TooSlow
from tracer.query.completion import Typing, field_completions, typing_at
from tracer.query.fields import FIELDS, Field, Grain, Type
from tracer.query.values import written_text
from tracer.store.query.facets import (
    FACETS,
    SPAN_FACETS,
    Value,
    complete_keys,
    complete_span_values,
    complete_values,
)
from tracer.store.query.selection import ALL
from tracer.ui.base.blueprint import bp
from tracer.ui.base.rendering import render
from tracer.ui.base.representations import Representations, html_and_json

_MAX_COMPLETIONS: Final = 12
# Fields of spans whose values are those of a field of traces.
_OF_TRACES: Final = {"trace_name": "name"}
_UNIT_EXAMPLES: Final = {
    Type.TIME: (">-1h", ">-24h", ">-7d", "today", "yesterday"),
    Type.DURATION: (">1s", ">10s", "<100ms", "1s..5s"),
    Type.MONEY: (">0.01", ">0.1", ">1"),
    Type.NUMBER: (">0", ">10", ">1k"),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One completion: its label, and the query and cursor after it is chosen."""

    label: str
    description: str
    count: int | None
    query: str
    cursor: int


@bp.get("/project/<project_id>/complete")
def complete_query(project_id: str) -> Response:
    """Return the completions of the word before the cursor, as a list box."""
    text = request.args.get("q", "")
    cursor = request.args.get("cursor", len(text), type=int)
    grain = _grain(request.args.get("grain"))
    typing = typing_at(text, max(0, min(cursor, len(text))), grain)
    options = _options(project_id, typing, text, max(0, min(cursor, len(text))))
    return Response(render("query/_complete.html", options=options, typing=typing))


def _grain(name: str | None) -> Grain:
    try:
        return Grain(name or Grain.TRACE)
    except ValueError:
        raise Invalid(f"grain: {name!r} is none of {', '.join(Grain)}") from None


def _options(project_id: str, typing: Typing, text: str, cursor: int) -> list[Option]:
    def option(
        inserted: str, label: str, description: str = "", count: int | None = None
    ) -> Option:
        before = text[: typing.start] + inserted
        return Option(label, description, count, before + text[cursor:], len(before))

    if typing.field is None:
        rows = field_completions(typing)
        return [option(row.text, row.text, row.description) for row in rows[:_MAX_COMPLETIONS]]
    if typing.is_key:
        keys = _stored(project_id, typing)
        return [option(f"{key.text}:", f"{key.text}:", "", key.traces) for key in keys]
    if typing.field.choices:
        choices = [c for c in typing.field.choices if c.startswith(typing.prefix.lower())]
        return [option(f"{choice} ", choice) for choice in choices]
    if typing.field.type in _UNIT_EXAMPLES:
        compared = text[: typing.start].endswith(("<", ">", "="))
        units = [
            unit.lstrip("<>") if compared else unit for unit in _UNIT_EXAMPLES[typing.field.type]
        ]
        return [option(f"{unit} ", unit) for unit in units if unit.startswith(typing.prefix)]
    values = _stored(project_id, typing)
    return [option(f"{written_text(v.text)} ", v.text, "", v.traces) for v in values]


def _stored(project_id: str, typing: Typing) -> list[Value]:
    """Return the project's own values or keys; none where looking them up takes too long."""
    assert typing.field is not None
    name = _OF_TRACES.get(typing.field.name, typing.field.name)
    try:
        if typing.grain is Grain.SPAN and typing.field.name in SPAN_FACETS:
            return complete_span_values(project_id, ALL, typing.field.name, typing.prefix)
        if typing.is_key:
            return complete_keys(project_id, ALL, name, typing.prefix)
        if name in FACETS or typing.key:
            return complete_values(project_id, ALL, name, typing.key, typing.prefix)
    except TooSlow:
        pass
    return []


@dataclass(frozen=True, slots=True)
class GrainHelp:
    """The fields of one grain, as the page explains them."""

    title: str
    fields: tuple[Field, ...]


_TITLES: Final = {
    Grain.TRACE: "Traces",
    Grain.SPAN: "Spans, in any(…), all(…), count(…)",
    Grain.SESSION: "Sessions",
    Grain.USER: "Users",
}


@html_and_json("/project/<project_id>/query-help")
def query_help(project_id: str) -> Representations:
    """Explain the query language, with all fields."""
    grains = [GrainHelp(title, FIELDS[grain]) for grain, title in _TITLES.items()]
    return Representations(
        "query/query_help.html",
        context=lambda: {"grains": grains, "project_id": project_id},
        data=lambda: grains,
    )
