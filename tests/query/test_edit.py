"""Clicks edit the text of a query term by term; the cursor decides what is completed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.query.strategies import nodes
from tracer.query.completion import field_completions, typing_at
from tracer.query.edit import exclude, excludes, has_value, narrowed, set_term, toggle
from tracer.query.errors import QueryError
from tracer.query.fields import Grain
from tracer.query.highlight import segments
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import And, Node, Or, Term

TRACE = Grain.TRACE


def term(text: str) -> Term:
    node = parse(text)
    assert isinstance(node, Term)
    return node


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("", "tag:x", "tag:x"),
        ("status:error", "tag:x", "status:error tag:x"),
        ("a OR b", "tag:x", "(a OR b) tag:x"),
        ("tag:x  word", "tag:y", "tag:x,y  word"),
        ("tag:x,y", "tag:x", "tag:y"),
        ("one tag:x two", "tag:x", "one two"),
        ("-tag:x two", "tag:x", "two tag:x"),
        ('name:"two words"', "name:b", 'name:"two words",b'),
        ("latency:>1s a", "latency:1s..5s", "latency:>1s a latency:1s..5s"),
        ("latency:1s,2s", "latency:<5s", "latency:1s,2s latency:<5s"),
        ("a latency:1s..5s b", "latency:1s..5s", "a b"),
        ("-latency:1s..5s", "latency:1s..5s", "latency:1s..5s"),
        ("latency:10s..30s a", "latency:>2min", "latency:10s..30s,>2min a"),
        ("latency:>2min", "latency:10s..30s", "latency:>2min,10s..30s"),
        ("latency:10s..30s,>2min", "latency:>2min", "latency:10s..30s"),
        ("tag:x tag:y", "tag:y", "tag:x"),
        ("metadata.plan:pro", "metadata.size:5", "metadata.plan:pro metadata.size:5"),
    ],
)
def test_toggling_a_value_adds_it_or_takes_it_out(text: str, value: str, after: str) -> None:
    assert toggle(text, TRACE, term(value)) == after


@settings(max_examples=60, deadline=None)
@given(nodes(TRACE))
def test_a_value_toggled_on_is_among_those_asked_for_and_toggled_off_again_is_not(
    node: Node,
) -> None:
    text, value = to_text(node), term("release:never-drawn")
    on = toggle(text, TRACE, value)
    assert has_value(on, TRACE, value)
    assert not has_value(toggle(on, TRACE, value), TRACE, value)
    assert excludes(exclude(on, TRACE, value), TRACE, value)


def test_excluding_a_value_replaces_asking_for_it() -> None:
    assert exclude("tag:x a", TRACE, term("tag:x")) == "a -tag:x"
    assert exclude("-tag:x a", TRACE, term("tag:x")) == "a"


def test_setting_a_term_replaces_all_terms_of_its_field() -> None:
    after = set_term("latency:>1s a latency:<5s", TRACE, term("latency:1s..2s"))
    assert after == "a latency:1s..2s"
    assert set_term(after, TRACE, Term(term("latency:1s").field, None, ())) == "a"


def test_narrowing_keeps_the_meaning_of_or() -> None:
    assert narrowed("a OR b", TRACE, parse("c OR d")) == "(a OR b) (c OR d)"
    both = parse("(a OR b) (c OR d)")
    assert isinstance(both, And)
    assert all(isinstance(item, Or) for item in both.items)


@pytest.mark.parametrize(
    ("text", "grain", "field", "key", "prefix"),
    [
        ("sta", TRACE, None, None, "sta"),
        ("-sta", TRACE, None, None, "sta"),
        ("status:er", TRACE, "status", None, "er"),
        ("tag:a,b", TRACE, "tag", None, "b"),
        ("latency:>2", TRACE, "latency", None, "2"),
        ('name:"two wo', TRACE, "name", None, "two wo"),
        ("metadata.plan:p", TRACE, "metadata", "plan", "p"),
        ("any(kind:to", Grain.SPAN, "kind", None, "to"),
        ("any(kind:tool) user:", TRACE, "user", None, ""),
        ("session(cos", Grain.SESSION, None, None, "cos"),
        ("a (b OR na", TRACE, None, None, "na"),
    ],
)
def test_the_word_before_the_cursor_is_what_is_completed(
    text: str, grain: Grain, field: str | None, key: str | None, prefix: str
) -> None:
    typing = typing_at(text + " rest", len(text), TRACE)
    assert (typing.grain, typing.key, typing.prefix) == (grain, key, prefix)
    assert (typing.field.name if typing.field else None) == field
    assert text[typing.start :].strip('"') == prefix


def test_a_key_is_completed_after_the_dot_of_a_keyed_field() -> None:
    typing = typing_at("metadata.pl", 11, TRACE)
    assert typing.is_key
    assert typing.prefix == "pl"
    assert typing.start == 9


def test_fields_that_begin_with_the_prefix_are_offered_first() -> None:
    names = [row.text for row in field_completions(typing_at("err", 3, TRACE))]
    assert names == ["errors:", "error:"]
    assert "any(" in [row.text for row in field_completions(typing_at("an", 2, TRACE))]


def test_the_wrong_characters_of_a_query_are_marked_among_its_segments() -> None:
    text = "status:error latncy:>2s"
    with pytest.raises(QueryError) as caught:
        parse(text)
    wrong = [segment.text for segment in segments(text, caught.value) if segment.wrong]
    assert wrong == ["latncy"]
