"""Numbers keep the digits that were sent, and are floats for everything else."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.exact_json import SentNumber, decode, encode, encode_ascii


@given(
    st.integers(0, 10**40),
    st.integers(0, 60),
    st.sampled_from(["", "-"]),
    st.sampled_from(["", "e-300", "e-4", "E+5", "e20"]),
)
def test_a_number_keeps_its_value_whatever_its_digits(
    digits: int, point: int, sign: str, exponent: str
) -> None:
    whole, fraction = divmod(digits, 10**point)
    text = f"{sign}{whole}.{fraction:0{point or 1}}{exponent}"
    [number] = decode(f"[{text}]")
    assert Decimal(encode([number]).decode()[1:-1]) == Decimal(text)
    assert float(number) == float(text)


def test_a_number_that_a_float_holds_is_a_float() -> None:
    for text in ("0.1", "1.10", "1e-7", "0.30000000000000004", "12345.678", "-0.0", "1e22"):
        assert type(decode(text)) is float, text
    for text in ("0.12345678901234567890", "1e-400", "12345678901234567890.5"):
        number = decode(text)
        assert type(number) is SentNumber, text
        assert (str(number), encode(number).decode()) == (text, text)


@pytest.mark.parametrize("text", ["0." + "1" * 2_000, "1e-20000"])
def test_a_number_beyond_the_limits_of_the_database_is_a_float(text: str) -> None:
    assert type(decode(text)) is float


def test_a_value_that_is_no_json_is_refused() -> None:
    with pytest.raises((NotImplementedError, TypeError, msgspec.MsgspecError)):
        encode(object())


def test_ascii_json_has_the_digits_and_the_escapes() -> None:
    text = '{"a":0.12345678901234567890,"b":"\\u00e9\\ud83d\\ude00"}'
    assert encode_ascii(decode(text)) == text
    for value in (10**30, "\ud800"):
        assert encode_ascii(value) == json.dumps(value)


@pytest.mark.parametrize("levels", [1_100, 100_000])
def test_text_that_is_nested_too_deeply_is_an_error_of_decoding(levels: int) -> None:
    with pytest.raises(msgspec.DecodeError, match="too deeply"):
        decode("[" * levels + "]" * levels)
