"""Lists the spans that a query selects, across traces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer import exact_json
from tracer.extensions import db
from tracer.messages.previews import preview
from tracer.query.fields import Grain
from tracer.records import Json
from tracer.store.annotations.summaries import ScoreSummary, summarise
from tracer.store.database.paging import Page
from tracer.store.database.session import within
from tracer.store.query.keyset import Order, cut, labelled, parse_sort
from tracer.store.query.selection import ALL, Selection
from tracer.store.query.terms import json_text
from tracer.store.schema import scores, span_payloads, spans, traces
from tracer.store.traces.span_tree import COLUMNS, SpanRow
from tracer.store.traces.traces import LIST_SECONDS

_MAX_CHARACTERS: Final = 20_000
"""Of a payload, so that a page of spans with megabytes of output stays small."""
_CUT: Final = 200


def list_selected_spans(
    project_id: str,
    selection: Selection = ALL,
    cursor: str | None = None,
    limit: int = 50,
    sort: str | None = None,
) -> Page[SpanRow]:
    """Return a page of a project's spans, newest first unless ``sort`` differs.

    Raises BadCursor, Invalid (sort), TooSlow.
    """
    keys = parse_sort(sort, Grain.SPAN)
    order = Order.of(keys, Grain.SPAN, spans, spans.c.trace_id, spans.c.span_id)
    position = order.decode(cursor) if cursor else None
    query = sa.select(*COLUMNS, *labelled(order)).where(
        spans.c.project_id == project_id,
        ~spans.c.placeholder,
        selection.condition(Grain.SPAN, spans),
    )
    if position is not None:
        query = query.where(order.beyond(position))
    forward = position is None or position.forward
    with within(LIST_SECONDS):
        query = query.order_by(*order.clauses(forward)).limit(limit + 1)
        rows = db.session.execute(query).mappings().all()
    return cut(rows, limit, order, position, ("trace_id", "span_id"), _span_row)


def _span_row(values: dict[str, Any]) -> SpanRow:
    return SpanRow(**values)


@dataclass(frozen=True, slots=True)
class SpanContext:
    """What a list shows of a span beside its row of the tree."""

    trace_name: str
    user_id: str | None
    session_id: str | None
    environment: str
    input: str
    """A line of the input; "" where it was not asked for."""
    output: str
    finish: str
    prompt: str
    metadata: dict[str, str]
    scores: list[ScoreSummary]


NO_CONTEXT: Final = SpanContext("", None, None, "", "", "", "", "", {}, [])
"""Of a span whose trace was deleted meanwhile."""


def span_contexts(
    project_id: str,
    page: Sequence[SpanRow],
    *,
    payloads: Collection[str] = (),
    metadata: Sequence[str] = (),
    score_names: Sequence[str] = (),
) -> dict[tuple[str, str], SpanContext]:
    """Return the context of the spans of one page, by trace id and span id.

    ``payloads`` names the payloads to read (``input``, ``output``), ``metadata`` and
    ``score_names`` the keys and names to read.
    """
    if not page:
        return {}
    named = _named_scores(project_id, page, score_names) if score_names else {}
    contexts = {}
    for row in db.session.execute(_contexts(project_id, page, payloads, metadata)).mappings():
        key = (row["trace_id"], row["span_id"])
        values = {name: row[f"value_{n}"] for n, name in enumerate(metadata)}
        contexts[key] = SpanContext(
            trace_name=row["name"],
            user_id=row["user_id"],
            session_id=row["session_id"],
            environment=row["environment"],
            input=_line(row.get("input")),
            output=_line(row.get("output"), output=True),
            finish=", ".join(map(str, row["finish_reasons"] or ())),
            prompt=row["prompt_name"] or "",
            metadata={name: value for name, value in values.items() if value is not None},
            scores=summarise(named.get(key)),
        )
    return contexts


def _contexts(
    project_id: str, page: Sequence[SpanRow], payloads: Collection[str], metadata: Sequence[str]
) -> sa.Select[Any]:
    wanted = _keys(page)
    payload = span_payloads
    same = sa.and_(
        payload.c.project_id == project_id,
        payload.c.trace_id == wanted.c.trace_id,
        payload.c.span_id == wanted.c.span_id,
    )
    of_trace = sa.and_(traces.c.project_id == project_id, traces.c.trace_id == wanted.c.trace_id)
    texts = [
        sa.func.left(sa.cast(payload.c[name], sa.Text), _MAX_CHARACTERS).label(name)
        for name in payloads
    ]
    values = [
        json_text(payload.c.metadata, key).label(f"value_{number}")
        for number, key in enumerate(metadata)
    ]
    return sa.select(
        *(wanted.c.trace_id, wanted.c.span_id, traces.c.name, traces.c.user_id),
        *(traces.c.session_id, traces.c.environment),
        *(payload.c.finish_reasons, payload.c.prompt_name, *texts, *values),
    ).select_from(wanted.join(traces, of_trace).outerjoin(payload, same))


def _named_scores(
    project_id: str, page: Sequence[SpanRow], names: Sequence[str]
) -> dict[tuple[str, str], list[list[Json]]]:
    """Return the scores of these names by span, the latest first."""
    wanted = _keys(page)
    query = (
        sa.select(
            *(scores.c.trace_id, scores.c.span_id, scores.c.name, scores.c.data_type),
            *(scores.c.value, scores.c.string_value),
        )
        .join(
            wanted,
            sa.and_(scores.c.trace_id == wanted.c.trace_id, scores.c.span_id == wanted.c.span_id),
        )
        .where(scores.c.project_id == project_id, scores.c.name.in_(names))
        .order_by(scores.c.time.desc())
    )
    by_span: dict[tuple[str, str], list[list[Json]]] = {}
    for trace_id, span_id, *score in db.session.execute(query):
        by_span.setdefault((trace_id, span_id), []).append(score)
    return by_span


def _keys(page: Sequence[SpanRow]) -> sa.TableValuedAlias:
    columns = zip(*((row.trace_id, row.span_id) for row in page), strict=True)
    arrays = [sa.literal(list(ids), ARRAY(sa.Text)) for ids in columns]
    return (
        sa.func.unnest(*arrays)
        .table_valued(sa.column("trace_id", sa.Text), sa.column("span_id", sa.Text), name="wanted")
        .render_derived()
    )


def _line(text: str | None, *, output: bool = False) -> str:
    """Return the line that lists show of a payload; of a very long one, its first characters."""
    if text is None:
        return ""
    if len(text) < _MAX_CHARACTERS:
        return preview(exact_json.decode(text), output=output)
    return " ".join(text[:_CUT].lstrip('[{"').split())
