"""Errors of queries point at the wrong characters and suggest what was meant."""

from __future__ import annotations

import time

import pytest

from tracer.query.errors import QueryError
from tracer.query.fields import Grain
from tracer.query.parse import MAX_QUERY_LENGTH, parse


def error_of(text: str, grain: Grain = Grain.TRACE) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse(text, grain)
    return caught.value


@pytest.mark.parametrize(
    ("text", "wrong", "suggested"),
    [
        ("latncy:>2s", "latncy", ["latency:>2s"]),
        ("name:a latncy:>2s", "latncy", ["name:a latency:>2s"]),
        ("status:eror", "eror", ["status:error"]),
        ("latency:>2x", "2x", ["latency:>2s", "latency:>2min"]),
        ("latency > 2s b", "latency > 2s", ["latency:>2s b"]),
        ("a name=x", "name=x", ["a name:x"]),
        ("http://host/path b", "http://host/path", ['"http://host/path" b']),
        ("first_token:>1s", "first_token:>1s", ["any(first_token:>1s)"]),
        ("start:-24h", "-24h", ["start:>-24h"]),
        ('"not closed', '"not closed', ['"not closed"']),
        ("ayn(kind:tool)", "ayn(", ["any(kind:tool)"]),
        ("any(laency:>2s)", "laency", ["any(latency:>2s)"]),
        ("xyzzy:1", "xyzzy", []),
        ("status: error", "status:", []),
        ("a OR", "OR", []),
        ("a (b", "(", []),
        ("a b)", ")", []),
        ("()", ")", []),
        ("name:>3", "3", []),
        ("score:1", "score:", []),
        ("name.x:1", "name.x:", []),
        ("count(level:error)", "count(level:error)", []),
        ("any(level:error)>=3", ">=3", []),
        ("all(a > b)", "all(", []),
        ("session(a > b)", "session(", []),
        ("start:2026-02-30", "2026-02-30", []),
        ("tokens:>1e400", "1e400", ["tokens:>1", "tokens:>1k"]),
        ("tag:(a AND b)", "AND", []),
        ("a > b", ">", []),
    ],
)
def test_an_error_names_the_wrong_characters_and_what_was_meant(
    text: str, wrong: str, suggested: list[str]
) -> None:
    error = error_of(text)
    assert text[error.start : error.end] == wrong
    assert [suggestion.query for suggestion in error.suggestions] == suggested
    for query in suggested:
        parse(query)


def test_the_message_names_the_field_its_character_and_the_suggestion() -> None:
    assert str(error_of("name:a latncy:>2s")) == (
        "query, character 8: no field is called `latncy`; did you mean `latency`?"
    )
    assert str(error_of("cost:abc")) == (
        "query, character 6: `cost` is US dollars like 0.01 or $5, not `abc`"
    )


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 5_000 + ")" * 5_000,
        "any(" * 2_500,
        "a " * 5_000,
        "tag:" + "a," * 4_990 + "b",
        "x" * (MAX_QUERY_LENGTH + 1),
        '"' * 9_999,
        "\\" * 9_999 + "(",
        "a\x00b",
        "a\ud800b",
    ],
    ids=[
        "open",
        "nested",
        "calls",
        "terms",
        "values",
        "long",
        "quotes",
        "escapes",
        "nul",
        "surrogate",
    ],
)
def test_pathological_text_is_refused_in_bounded_time(text: str) -> None:
    began = time.process_time()
    error_of(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "text", ["-" * 9_999 + "a", "((((a))))", "NOT " * 2_000 + "a"], ids=["minus", "nested", "not"]
)
def test_long_text_that_means_little_is_parsed_in_bounded_time(text: str) -> None:
    began = time.process_time()
    parse(text)
    assert time.process_time() - began < 2


def test_each_grain_has_its_own_fields_and_groups() -> None:
    parse("session(cost:>1) any(level:error)", Grain.TRACE)
    parse("trace(tokens:>1k) user:u1", Grain.SPAN)
    parse("trace(any(level:error)) traces:>3", Grain.SESSION)
    parse("trace(status:error) sessions:>1", Grain.USER)
    error_of("traces:>3", Grain.TRACE)
    error_of("any(level:error)", Grain.USER)
    error_of("any(any(level:error))", Grain.TRACE)
