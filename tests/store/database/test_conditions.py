"""Conditions in SQL have the meaning of their operators, for any text and missing values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tracer.errors import Invalid
from tracer.extensions import db
from tracer.store.database.conditions import (
    OPERATORS,
    Condition,
    Field,
    Pattern,
    day,
    metadata_field,
    month,
    where,
)

pytestmark = pytest.mark.usefixtures("project")

# Among the characters are those that LIKE gives a meaning.
TEXTS = st.text("aAb%_\\", max_size=3)
ROWS = st.lists(st.none() | TEXTS, min_size=1, max_size=5)

TEXT_OPERATORS: dict[str, Callable[[str | None, Any], bool]] = {
    "=": lambda text, value: text == value,
    "<>": lambda text, value: text != value,
    "contains": lambda text, value: text is not None and value in text,
    "does not contain": lambda text, value: text is None or value not in text,
    "contains in any case": (
        lambda text, value: text is not None and value.lower() in text.lower()
    ),
    "starts with": lambda text, value: text is not None and text.startswith(value),
    "ends with": lambda text, value: text is not None and text.endswith(value),
    "any of": lambda text, value: text in value,
    "none of": lambda text, value: text not in value,
    "is not empty": lambda text, _value: text is not None and text != "",
}


def like(text: str, pattern: str) -> bool:
    """Return whether a text fits a pattern of LIKE, in upper or lower case."""
    expression, escaped = "", False
    for character in pattern:
        if character == "\\" and not escaped:
            escaped = True
            continue
        wild = {"%": ".*", "_": "."}.get(character)
        expression += re.escape(character) if escaped or wild is None else wild
        escaped = False
    expression += re.escape("\\") if escaped else ""
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def whole(pattern: str) -> str:
    """Return a pattern whose last backslash stands for itself."""
    return pattern + "\\" * ((len(pattern) - len(pattern.rstrip("\\"))) % 2)


PATTERN_OPERATORS: dict[str, Callable[[str | None, str], bool]] = {
    "contains": lambda text, value: text is not None and like(text, f"%{whole(value)}%"),
    "does not contain": lambda text, value: text is None or not like(text, f"%{whole(value)}%"),
    "starts with": lambda text, value: text is not None and like(text, f"{whole(value)}%"),
    "ends with": lambda text, value: text is not None and like(text, f"%{whole(value)}"),
}


def matching(rows: list[Any], kind: sa.types.TypeEngine[Any], *conditions: Condition) -> list[int]:
    """Return the positions of the rows whose column "x" fulfils the conditions."""
    values = sa.values(sa.column("n", sa.Integer), sa.column("x", kind), name="given")
    data = values.data(
        [(n, sa.cast(sa.literal(row, kind), kind)) for n, row in enumerate(rows)]  # type: ignore[misc]
    )
    query = sa.select(data.c.n).where(*where(list(conditions), {"x": Field(data.c.x)}))
    return sorted(db.session.scalars(query))


@pytest.mark.parametrize("operator", TEXT_OPERATORS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, first=TEXTS, second=TEXTS)
def test_text_operators_treat_every_character_literally(
    operator: str, rows: list[str | None], first: str, second: str
) -> None:
    value = [first, second] if operator.endswith(" of") else first
    expected = [n for n, row in enumerate(rows) if TEXT_OPERATORS[operator](row, value)]
    assert matching(rows, sa.Text(), Condition("x", operator, value)) == expected


@pytest.mark.parametrize("operator", PATTERN_OPERATORS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, pattern=TEXTS)
def test_patterns_are_those_of_like_in_any_case(
    operator: str, rows: list[str | None], pattern: str
) -> None:
    expected = [n for n, row in enumerate(rows) if PATTERN_OPERATORS[operator](row, pattern)]
    assert matching(rows, Pattern(), Condition("x", operator, pattern)) == expected


def test_the_operators_of_every_type_are_tested() -> None:
    equal = {"=", "<>", "any of", "none of"}
    ordered = equal | {"<", ">", "<=", ">="}
    assert {kind: set(operators) for kind, operators in OPERATORS.items()} == {
        "text": set(TEXT_OPERATORS),
        "pattern": equal | {"is not empty"} | set(PATTERN_OPERATORS),
        "number": ordered,
        "time": ordered,
        "boolean": equal,
        "list": {"=", "any of", "none of", "all of"},
    }


@pytest.mark.parametrize(
    ("operator", "expected"), [("<", [0]), ("<=", [0, 1]), (">", [2]), (">=", [1, 2])]
)
def test_numbers_are_compared_and_a_missing_one_never_matches(
    operator: str, expected: list[int]
) -> None:
    assert matching([1, 2, 3, None], sa.Integer(), Condition("x", operator, 2)) == expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("=", "a", [0, 1]),
        ("any of", ["a", "c"], [0, 1, 2]),
        ("none of", ["a", "c"], [3]),
        ("all of", ["a", "b"], [1]),
    ],
)
def test_lists_are_compared_by_their_elements(
    operator: str, value: Any, expected: list[int]
) -> None:
    rows = [["a"], ["a", "b"], ["c"], []]
    assert matching(rows, ARRAY(sa.Text()), Condition("x", operator, value)) == expected


def test_all_conditions_must_hold_and_null_has_operators_of_its_own() -> None:
    low, high = Condition("x", ">", 1), Condition("x", "<", 3)
    assert matching([1, 2, 3], sa.Integer(), low, high) == [1]
    assert matching([1, None], sa.Integer(), Condition("x", "is null", None)) == [1]
    assert matching([1, None], sa.Integer(), Condition("x", "is not null", None)) == [0]


def test_a_field_with_keys_reads_one_value_of_an_object() -> None:
    metadata = sa.cast(sa.literal({"n": 1, "s": "x"}, JSONB), JSONB)
    fields = {"metadata": metadata_field(metadata)}
    for key, value in (("n", "1"), ("s", "x")):
        [sql] = where([Condition("metadata", "=", value, key)], fields)
        assert db.session.scalar(sa.select(sql)) is True
    with pytest.raises(Invalid, match="metadata: expected a key"):
        where([Condition("metadata", "=", "x")], fields)


@pytest.mark.parametrize(
    ("kind", "operator", "value", "reason"),
    [
        (sa.Text(), "~", "a", "operator '~' does not fit it"),
        (sa.Text(), "=", 1, "expected a text, got 1"),
        (sa.Text(), "=", "a\x00", "expected a text, got "),
        (sa.Text(), "any of", ["a", None], "expected a text, got None"),
        (sa.Integer(), "=", True, "expected a number, got True"),
        (sa.Integer(), "=", "1", "expected a number, got '1'"),
        (sa.Boolean(), "=", 1, "expected a boolean, got 1"),
        (sa.DateTime(timezone=True), ">", "2026-01-01", "expected a time, got '2026-01-01'"),
        (ARRAY(sa.Text()), "contains", "a", "operator 'contains' does not fit it"),
        (ARRAY(sa.Text()), "any of", [1], "expected a text, got 1"),
    ],
)
def test_an_unfit_operator_or_value_is_refused(
    kind: sa.types.TypeEngine[Any], operator: str, value: Any, reason: str
) -> None:
    fields = {"x": Field(sa.column("x", kind))}
    with pytest.raises(Invalid, match=f"^x: .*{reason}"):
        where([Condition("x", operator, value)], fields)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Invalid, match=r"^y: no such column"):
        where([Condition("y", "=", 1)], {"x": Field(sa.column("x"))})


def test_days_and_months_are_those_of_utc() -> None:
    time = sa.literal(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
    db.session.execute(sa.text("SET LOCAL TimeZone = 'Pacific/Auckland'"))
    assert db.session.execute(sa.select(day(time), month(time))).one() == ("2026-01-31", "2026-01")
