"""Cleaning makes values storable: which ones change, and what is noted of that."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.wire.clean import MAX_DEPTH, MAX_KEYS, MORE_KEYS, clean, decode_text


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "cleaned", "notes"),
    [
        ("plain", "plain", {}),
        ({"a": [1, None, True, 1.5, "é😀"]}, {"a": [1, None, True, 1.5, "é😀"]}, {}),
        ("a\0b", "a\ufffdb", {"cleaned": ["nul"]}),
        ({"k\0": ["\ud800"]}, {"k\ufffd": ["\ufffd"]}, {"cleaned": ["nul", "surrogate"]}),
        ("\ud83d\ude00", "😀", {"cleaned": ["surrogate"]}),
        ([float("nan"), float("-inf")], ["NaN", "-Infinity"], {"cleaned": ["nan"]}),
        (nested(MAX_DEPTH), nested(MAX_DEPTH), {}),
    ],
)
def test_values_that_cant_be_stored_are_replaced_and_noted(
    value: Any, cleaned: Any, notes: dict[str, Any]
) -> None:
    assert clean(value) == (cleaned, notes)


def test_objects_of_too_many_keys_are_cut_with_a_marker() -> None:
    value, notes = clean({"inner": {f"k{n}": n for n in range(MAX_KEYS + 5)}})
    assert len(value["inner"]) == MAX_KEYS + 1
    assert value["inner"][MORE_KEYS] == "[truncated, 10005 keys]"
    assert notes == {"keys": MAX_KEYS + 5}


def test_values_nested_too_deeply_are_cut_with_a_marker() -> None:
    value, notes = clean(nested(MAX_DEPTH + 5))
    for _ in range(MAX_DEPTH):
        [value] = value
    assert value == "…[nested deeper than 64 levels]"
    assert notes == {"depth": MAX_DEPTH}


@pytest.mark.parametrize("padding", ["", "x" * 100_000])
def test_short_and_long_json_text_nested_too_deeply_stays_text(padding: str) -> None:
    for levels, notes in ((MAX_DEPTH, {}), (MAX_DEPTH + 1, {"depth": MAX_DEPTH})):
        inner = levels - 1
        text = f'["{padding}",' + '{"a":[' * (inner // 2) + "[" * (inner % 2)
        text += "]" * (inner % 2) + "]}" * (inner // 2) + "]"
        value, noted = decode_text(text)
        assert noted == notes
        assert (value == text) == bool(notes)


def test_long_text_is_cut_at_a_character_and_names_its_size() -> None:
    value, notes = clean("é" * 100, max_bytes=51)
    assert value == "é" * 25 + "…[truncated, 200 bytes]"
    assert notes == {"truncated": True, "size": 200}
    assert clean("é" * 100, max_bytes=200) == ("é" * 100, {})


def test_an_object_too_long_as_a_whole_becomes_cut_text() -> None:
    value, notes = clean({"a": ["x" * 40] * 10}, max_bytes=100)
    assert value.startswith('{"a":["xxx')
    assert value.endswith(" bytes]")
    assert notes["truncated"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("  [1, 2]", [1, 2]),
        ("[NaN]", ["NaN"]),
        ('["\\ud83d"]', ["\ufffd"]),
        ("[Infinity]", ["Infinity"]),
        ("[1e400]", "[1e400]"),
        ("5", "5"),
        ('"quoted"', '"quoted"'),
        ("{not json}", "{not json}"),
        ("[" * 100_000, "[" * 100_000),
        ("[" * 70 + "]" * 70, "[" * 70 + "]" * 70),
        ("", ""),
    ],
)
def test_only_text_of_an_object_or_array_is_decoded(text: str, value: Any) -> None:
    assert decode_text(text)[0] == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_a_cleaned_value_is_clean(value: Any) -> None:
    once, _ = clean(value)
    assert clean(once) == (once, {})
    assert msgspec.json.decode(msgspec.json.encode(once)) == once


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("[1e-400]", True),
        ('{"a": [0.5, 12E-999]}', True),
        ("[1e-4, 0e-5, 0.0]", False),
        ('["1e-400", "an e-mail"]', False),
    ],
)
def test_numbers_too_small_for_a_float_are_noted(text: str, noted: bool) -> None:
    assert decode_text(text)[1] == ({"cleaned": ["range"]} if noted else {})
    assert decode_text("[0.5]")[1] == {}
