"""Attributes that are JSON text by their convention are opened, however often they were encoded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.wire.dialects.parsers import names, opened, tool_definitions

STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(STORABLE, max_size=20).filter(
    lambda text: text.strip() not in ("", "null") and text.strip()[0] not in '"{['
)
VALUES = TEXTS | st.lists(TEXTS, max_size=3) | st.dictionaries(TEXTS, TEXTS, max_size=3)


@given(VALUES, st.integers(1, 3))
def test_a_value_comes_back_out_of_its_quotes(value: Any, layers: int) -> None:
    text = value
    for _ in range(layers):
        text = json.dumps(text)
    expected = value if isinstance(value, str) or layers > 1 else text
    assert opened(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (' "null" ', None),
        ("", None),
        ('""', None),
        ('"line 1\\nline 2"', "line 1\nline 2"),
        ('"a" and "b"', '"a" and "b"'),
        ('"unfinished', '"unfinished'),
        ("nullable", "nullable"),
        ("5", "5"),
        ('"5"', "5"),
        ({"a": '"b"'}, {"a": '"b"'}),
        (0, 0),
    ],
)
def test_what_is_no_json_text_stays_as_it_is(text: Any, value: Any) -> None:
    assert opened(text) == value


@pytest.mark.parametrize(
    ("sent", "tools"),
    [
        (["a", {"name": "b"}], [{"name": "a"}, {"name": "b"}]),
        (['{"name": "a"}'], [{"name": "a"}]),
        ([], None),
        (["a", 5], None),
        ([""], None),
        ({"name": "a"}, None),
    ],
)
def test_tools_are_definitions_or_names(sent: Any, tools: Any) -> None:
    assert tool_definitions(sent) == tools


def test_tags_that_are_no_text_become_text() -> None:
    assert names(["a", 5, 0.5, True, {"k": 1}, None, "", "a"]) == [
        *("a", "5", "0.5", "true", '{"k":1}')
    ]
    assert names([None, ""]) is None
