"""The scores of a trace or a span as fields of conditions: average, labels and flag by name."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.store.database.conditions import Column, Field, related
from tracer.store.schema import scores

_AVERAGE: Column = sa.func.avg(scores.c.value, type_=sa.Float)
_LABELS: Column = sa.func.coalesce(
    sa.func.array_agg(scores.c.string_value, type_=ARRAY(sa.Text)),
    sa.cast(sa.literal("{}"), ARRAY(sa.Text)),
)
_FLAG: Column = sa.func.bool_or(scores.c.value != 0, type_=sa.Boolean)


def score_fields(of: sa.Table, keys: Sequence[str]) -> dict[str, Field]:
    """Return the fields of the scores whose ``keys`` are those of a row of ``of``.

    The key of a field is the name of the scores; without one, all scores count.
    """

    def labels(*more: Column) -> Column:
        return sa.type_coerce(related(_LABELS, scores, of, keys, *more), ARRAY(sa.Text))

    return {
        "score_average": Field(
            related(_AVERAGE, scores, of, keys),
            lambda name: related(_AVERAGE, scores, of, keys, scores.c.name == name),
        ),
        "score_labels": Field(labels(), lambda name: labels(scores.c.name == name)),
        "score_flag": Field(
            related(_FLAG, scores, of, keys),
            lambda name: related(_FLAG, scores, of, keys, scores.c.name == name),
        ),
    }
