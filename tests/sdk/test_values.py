"""Any value is stored in a sensible form, and none makes the application fail."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import sys
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tracer.sdk._values import to_json


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    inner: Any = None


class Order(BaseModel):
    id: int
    day: datetime.date


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


class Array:
    """An array with the attributes of numpy's and torch's arrays."""

    dtype = "int64"

    def __init__(self, *items: int) -> None:
        self.items = items
        self.size = len(items)

    def __repr__(self) -> str:
        return f"array of {self.size}"

    def tolist(self) -> list[int]:
        return list(self.items)


def stored(value: Any, limit: int = 1_000_000) -> Any:
    return json.loads(to_json(value, limit))


CASES: list[tuple[Any, Any]] = [
    (None, None),
    ("text", "text"),
    ({"a": [1, 2.5, True, None]}, {"a": [1, 2.5, True, None]}),
    ((1, 2), [1, 2]),
    ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
    ({(1, 2): "a"}, {"(1, 2)": "a"}),
    ({"s": {3}}, {"s": [3]}),
    (b"utf-8 \xc3\xa9", "utf-8 é"),
    (b"\xff\x00", {"bytes": 2, "base64": "/wA="}),
    (Colour.RED, "red"),
    (Point(1, Point(2)), {"x": 1, "inner": {"x": 2, "inner": None}}),
    (Order(id=1, day=datetime.date(2026, 1, 2)), {"id": 1, "day": "2026-01-02"}),
    (datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), "2026-01-02T03:00:00+00:00"),
    (datetime.timedelta(seconds=90), 90.0),
    (decimal.Decimal("0.10"), "0.10"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (ValueError("no"), {"type": "ValueError", "message": "no"}),
    (Array(1, 2), [1, 2]),
    (Array(*range(20_000)), "array of 20000"),
    (json.dumps, "json.dumps"),
    (Opaque(), "<opaque>"),
    ([Hostile()], ["<Hostile: repr failed with RuntimeError>"]),
    ("half \ud83d", "half \ud83d"),
]


@pytest.mark.parametrize(("value", "expected"), CASES, ids=lambda value: type(value).__name__)
def test_a_value_is_stored_by_its_content(value: Any, expected: Any) -> None:
    assert stored(value) == expected
    assert to_json(value).encode()


def test_circular_values_and_endless_nesting_are_cut() -> None:
    circle: dict[str, Any] = {"name": "a"}
    circle["self"] = circle
    assert stored(circle) == {"name": "a", "self": "…[circular]"}
    twice = [1]
    assert stored([twice, twice]) == [[1], [1]]
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert "nested deeper than 40 levels" in to_json(deep)


def test_a_huge_value_is_cut_and_its_neighbours_are_kept() -> None:
    messages = [{"role": "user", "content": "x" * 5_000_000}, {"role": "user", "content": "end"}]
    text = to_json(messages, 10_000)
    assert len(text) < 11_000
    first, second = json.loads(text)
    assert first["role"] == "user"
    assert first["content"].startswith("xxx")
    assert first["content"].endswith("…[truncated, 5000000 characters]")
    assert second == {"role": "user", "content": "end"}
    assert len(to_json("é" * 1_000_000, 10_000).encode()) < 11_000
    many = json.loads(to_json(list(range(1_000_000))))
    assert many[:3] == [0, 1, 2]
    assert many[-1].startswith("…[truncated, 99")


def test_numbers_without_a_form_in_json_raise_nothing() -> None:
    assert to_json(float("nan")) == "NaN"
    assert to_json(10**5_000)
    assert to_json({"a": 10 ** (sys.get_int_max_str_digits() + 10)})


def test_generators_are_not_consumed() -> None:
    numbers = (n for n in range(3))
    assert "generator" in to_json(numbers)
    assert list(numbers) == [0, 1, 2]


class Liar:
    """Fails whenever an attribute is read."""

    def __getattribute__(self, name: str) -> Any:
        raise MemoryError("looking")


def test_an_object_whose_attributes_cannot_be_read_costs_no_other_value() -> None:
    assert stored({"a": Liar(), "b": 1})["b"] == 1


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.binary()
    | st.builds(Hostile)
    | st.datetimes(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner)
        | st.builds(Point, st.integers(), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=200)
@given(anything, st.integers(50, 2_000))
def test_anything_becomes_json_within_its_limit(value: Any, limit: int) -> None:
    text = to_json(value, limit)
    json.loads(text)
    assert len(text.encode()) <= max(limit, 100) * 4
