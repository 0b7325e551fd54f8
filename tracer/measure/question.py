"""A question: which measure, of which rows, by which groups, in which range of time."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from tracer.errors import Invalid
from tracer.exact_json import with_floats
from tracer.measure.fields import TOKEN_TYPE, Reference, grouped, measured, own_query, query_grain
from tracer.query.errors import QueryError
from tracer.query.moments import Moment, parse_moment
from tracer.query.parse import parse
from tracer.query.tree import Node, both

MeasureName = Literal[
    "count", "sum", "average", "min", "max", "percentile", "rate", "distinct", "ratio"
]
GrainName = Literal["traces", "spans", "generations", "sessions", "users", "scores"]
MAX_BUCKETS: Final = 120
MAX_ROWS: Final = 100
_NUMERIC: Final = ("sum", "average", "min", "max", "percentile")
ADDITIVE: Final = ("count", "sum", "rate")
"""Measures whose value of all groups is the sum of the groups' values."""
_WORDS: Final = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "text",
    "`bool`": "true or false",
}
"""Types as messages of msgspec name them, in this API's words."""
_PATH: Final = re.compile(r"(?P<text>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)

Percent = Annotated[float, Meta(gt=0, lt=100)]
Text = Annotated[str, Meta(max_length=10_000)]


class Question(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A question about many rows; times and queries are texts of the query language."""

    measure: MeasureName = "count"
    grain: GrainName = "traces"
    field: Annotated[str, Meta(description="what is summed, or whose values are counted")] = ""
    percents: Annotated[tuple[Percent, ...], Meta(min_length=1, max_length=5)] = (95.0,)
    per: Annotated[
        Literal["second", "minute", "hour", "day"], Meta(description="the time of a rate")
    ] = "minute"
    part: Annotated[Text, Meta(description="ratio: the rows that are counted, as a query")] = ""
    whole: Annotated[Text, Meta(description="ratio: of which rows; none: of all")] = ""
    over: Annotated[str, Meta(description="ratio of sums: what the sum of field is divided by")] = (
        ""
    )
    group_by: Annotated[tuple[str, ...], Meta(max_length=2)] = ()
    query: Annotated[Text, Meta(description="which rows, in the query language")] = ""
    since: Annotated[str | None, Meta(description="-24h, today, a date; null: from the start")] = (
        "-24h"
    )
    until: Annotated[str, Meta(description="now or another time; a whole day includes it")] = "now"
    buckets: Annotated[
        int, Meta(ge=0, le=MAX_BUCKETS, description="at most as many intervals of time; 0: none")
    ] = 0
    shape: Annotated[
        Literal["values", "histogram", "heat_map"],
        Meta(description="the measure, or how the field's values are distributed"),
    ] = "values"
    previous: Annotated[bool, Meta(description="also the period of equal length before")] = False
    limit: Annotated[int, Meta(ge=1, le=MAX_ROWS, description="maximum number of groups")] = 10

    @property
    def node(self) -> Node:
        """The tree of the query, with the query that the grain is; raises QueryError."""
        return both(own_query(self.grain), parse(self.query, query_grain(self.grain)))

    @property
    def groups(self) -> tuple[Reference, ...]:
        """The fields of ``group_by``; raises Invalid."""
        return tuple(
            grouped(self.grain, name, f"group_by[{index}]")
            for index, name in enumerate(self.group_by)
        )

    @property
    def measured(self) -> Reference | None:
        """The field whose numbers are measured; None: rows or distinct values are counted."""
        if self.shape != "values" or self.measure in _NUMERIC or self.divisor is not None:
            return measured(self.grain, self.field)
        return None

    @property
    def divisor(self) -> Reference | None:
        """The field by whose sum that of the measured field is divided; None: it is not."""
        if self.shape == "values" and self.measure == "ratio" and self.over:
            return measured(self.grain, self.over, "over")
        return None

    @property
    def is_share(self) -> bool:
        """Whether the value is the number of some rows divided by the number of others."""
        return self.shape == "values" and self.measure == "ratio" and self.divisor is None

    @property
    def counted(self) -> Reference | None:
        """The field whose distinct values are counted."""
        if self.shape == "values" and self.measure == "distinct":
            return grouped(self.grain, self.field, "field")
        return None

    @property
    def by_key(self) -> bool:
        """Whether values are counted by their key, as `tracer.measure.histogram` does."""
        return self.shape != "values" or self.measure == "percentile"

    @property
    def period(self) -> tuple[Moment | None, Moment]:
        """``since`` and ``until``; raises Invalid."""
        since = None if self.since is None else _moment("since", self.since)
        return since, _moment("until", self.until)

    @property
    def unit(self) -> str:
        """The unit of the values: ``s``, ``usd``, ``share``, ``per minute`` …, or ``""``."""
        if self.divisor is not None and self.measured is not None:
            return "share" if self.divisor.unit == self.measured.unit else self.measured.unit
        if self.measured is not None:
            return self.measured.unit
        return {"ratio": "share", "rate": f"per {self.per}"}.get(self.measure, "")


def read_question(value: Any) -> Question:
    """Return the question that a JSON value is; raises Invalid that names the field."""
    try:
        question = msgspec.convert(with_floats(value), Question)
    except msgspec.ValidationError as error:
        path, text = explained(error)
        raise Invalid.of_field(path or "question", _plain_words(text)) from None
    check(question)
    return question


def explained(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return (path of the field, "" for the whole value; what is wrong with it)."""
    match = _PATH.fullmatch(str(error))
    assert match is not None
    return match["path"] or "", match["text"]


def check(question: Question) -> None:
    """Raise Invalid, naming the field, where parts of the question don't fit each other."""
    for name in ("query", "part", "whole"):
        _check_query(question, name)
    _check_field(question)
    _check_groups(question)
    _ = question.period
    if question.shape == "heat_map" and not question.buckets:
        raise Invalid.of_field("buckets", "a heat map needs at least one")
    if question.is_share and not question.part.strip():
        raise Invalid.of_field("part", "a ratio needs the query of the rows that are counted")
    if question.divisor is not None and (question.part.strip() or question.whole.strip()):
        raise Invalid.of_field("part", "a ratio of sums is of the same rows: leave part empty")


def write_question(question: Question) -> dict[str, Any]:
    """Return the JSON value of the question, without fields that have their default."""
    value: dict[str, Any] = msgspec.to_builtins(question)
    return value


def _check_query(question: Question, name: str) -> None:
    try:
        parse(getattr(question, name), query_grain(question.grain))
    except QueryError as error:
        raise Invalid.of_field(name, str(error)) from error


def _check_field(question: Question) -> None:
    if not question.field and (
        question.shape != "values" or question.measure in (*_NUMERIC, "distinct") or question.over
    ):
        what = question.measure if question.shape == "values" else question.shape.replace("_", " ")
        raise Invalid.of_field("field", f"a {what} needs the field that it is of")
    _ = (question.measured, question.counted)


def _check_groups(question: Question) -> None:
    groups = question.groups
    if len(set(question.percents)) < len(question.percents):
        raise Invalid.of_field("percents", "names a percentile twice")
    if len(set(groups)) < len(groups):
        raise Invalid.of_field("group_by", "names a field twice")
    if question.shape != "values" and groups:
        raise Invalid.of_field("group_by", f"a {question.shape.replace('_', ' ')} has no groups")
    if TOKEN_TYPE in [group.field for group in groups] and (
        question.measure != "sum" or question.field != "tokens"
    ):
        raise Invalid.of_field("group_by", "token_type groups sums of tokens alone")


def _moment(name: str, text: str) -> Moment:
    moment = parse_moment(text)
    if moment is None:
        expected = "expected a time like -24h, today, 2026-11-23 or 2026-11-23T14:00"
        raise Invalid.of_field(name, f"{expected}, got {text!r}")
    return moment


def _plain_words(text: str) -> str:
    """Return a message of msgspec in this API's words."""
    for name, word in _WORDS.items():
        text = text.replace(name, word)
    return text[:1].lower() + text[1:]
