"""The fast paths of the protobuf decoder give the same records as JSON."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.wire.otlp import decode_json, decode_protobuf, protobuf, request, span

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
items = st.lists(texts, max_size=5) | st.lists(
    texts | st.booleans() | st.integers(-(2**63), 2**63 - 1), max_size=4
)


@given(value=items, limit=st.sampled_from([40, 1_000]))
@example(value=["stop"], limit=1_000)
@example(value=["stop", ""], limit=1_000)
@example(value=["a\0b", "c"], limit=1_000)
@example(value=["long" * 5, "text" * 5], limit=40)
@example(value=["0", "\x1f", "\x1f", "\x1f", "\x1f"], limit=40)
def test_a_list_is_the_same_in_both_encodings(value: list[Any], limit: int) -> None:
    values = {"list": value, "gen_ai.response.finish_reasons": value}
    [of_protobuf] = decode_protobuf(protobuf(values), limit).batch.spans
    [of_json] = decode_json(json.dumps(request(span(values))).encode(), limit).batch.spans
    for name in ("attributes", "finish_reasons", "flags", "notes", "claimed"):
        assert getattr(of_protobuf, name) == getattr(of_json, name), name
