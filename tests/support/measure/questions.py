"""Random questions that can be answered, by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support.query.strategies import nodes
from tracer.measure.fields import GRAINS, TOKEN_TYPE, groupable, measurable, query_grain
from tracer.measure.question import Question
from tracer.query.printing import field_text, to_text

KEYS = {"metadata": "plan", "attribute": "plan", "score": "a", "usage": "plan"}
_TEXTS = ("count", "rate", "ratio", "distinct")
_NUMBERS = ("sum", "average", "min", "max", "percentile")


def _name(field: Any) -> str:
    return field_text(field, KEYS[field.name] if field.keyed else None)


@st.composite
def questions(draw: st.DrawFn, *, since: str | None = None) -> Question:
    """Return a question that passes the checks."""
    grain: Any = draw(st.sampled_from(list(GRAINS)))
    measure: Any = draw(st.sampled_from((*_TEXTS, *_NUMBERS)))
    shape: Any = draw(st.sampled_from(["values", "values", "values", "histogram", "heat_map"]))
    numbers = [_name(field) for field in measurable(grain)]
    texts = [_name(field) for field in groupable(grain) if field is not TOKEN_TYPE]
    fields: dict[str, Any] = {}
    if shape != "values" or measure in _NUMBERS:
        fields["field"] = draw(st.sampled_from(numbers))
    elif measure == "distinct":
        fields["field"] = draw(st.sampled_from(texts))
    query = nodes(query_grain(grain), words=False, depth=1).map(to_text)
    if measure == "ratio":
        fields["part"] = draw(query)
        fields["whole"] = draw(st.one_of(st.just(""), query))
    if shape == "values":
        names = st.lists(st.sampled_from(texts), max_size=2, unique=True)
        fields["group_by"] = tuple(draw(names))
    return Question(
        grain=grain,
        measure=measure,
        shape=shape,
        percents=tuple(
            draw(st.lists(st.sampled_from([50, 95.5]), min_size=1, max_size=2, unique=True))
        ),
        query=draw(st.one_of(st.just(""), query)),
        since=since or draw(st.sampled_from(["-1h", "-24h", "-30d", None, "2026-11"])),
        buckets=draw(st.integers(1 if shape == "heat_map" else 0, 20)),
        previous=draw(st.booleans()),
        limit=draw(st.sampled_from([1, 2, 100])),
        **fields,
    )
