"""Texts of queries become trees and texts again, without loss."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.query.strategies import nodes
from tracer.query.errors import QueryError
from tracer.query.fields import FIELDS, Grain
from tracer.query.highlight import segments
from tracer.query.parse import parse
from tracer.query.printing import to_text
from tracer.query.tree import Node

COMMON = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("grain", Grain)
@COMMON
@given(data=st.data())
def test_a_tree_printed_and_parsed_again_is_the_same_tree(
    grain: Grain, data: st.DataObject
) -> None:
    node = data.draw(nodes(grain))
    text = to_text(node)
    assert parse(text, grain) == node
    assert to_text(parse(text, grain)) == text


@COMMON
@given(st.text(st.sampled_from('ab:"\\(),-<>=*. 1sORANDT'), max_size=30))
@example('metadata.a"b:1')
@example("-\\")
def test_any_text_is_parsed_or_refused_at_characters_within_it(text: str) -> None:
    try:
        node = parse(text)
    except QueryError as error:
        assert 0 <= error.start <= error.end <= len(text)  # noqa: PT017 - both outcomes are right
        assert str(error).startswith(f"query, character {error.start + 1}: ")  # noqa: PT017 - both outcomes are right
        return
    assert parse(to_text(node)) == node


@COMMON
@given(nodes(Grain.TRACE))
def test_the_coloured_segments_of_a_query_join_to_its_text(node: Node) -> None:
    text = to_text(node)
    assert "".join(segment.text for segment in segments(text)) == text


@pytest.mark.parametrize("grain", Grain)
def test_every_example_of_the_field_table_is_a_query(grain: Grain) -> None:
    examples = [example for field in FIELDS[grain] for example in field.examples]
    assert len(examples) >= len(FIELDS[grain])
    for text in examples:
        assert parse(to_text(parse(text, grain)), grain) == parse(text, grain)
