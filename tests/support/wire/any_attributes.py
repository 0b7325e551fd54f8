"""Attributes of a span, drawn at random: known and unknown names with any value."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tracer.export.names import MARK
from tracer.wire.dialects import DIALECTS
from tracer.wire.dialects.table import EVENT, NAME

RULES = [rule for dialect in DIALECTS for rule in dialect.rules if rule.key != NAME]

# A span that is marked as an export has to be a whole one.
KNOWN = sorted({rule.key for rule in RULES if not rule.key.startswith(EVENT)} - {MARK})

EVENTS = sorted({rule.key.removeprefix(EVENT) for rule in RULES if rule.key.startswith(EVENT)})

SCOPES = sorted({name.rstrip("*") for dialect in DIALECTS for name in dialect.scopes})

keys = st.one_of(
    st.sampled_from(KNOWN).flatmap(
        lambda key: (
            st.builds(
                lambda end: key[:-1] + end,
                st.sampled_from(["a", "0.message.role", "0.message", "1.x.0", "..", "0", "é"]),
            )
            if key.endswith("*")
            else st.just(key)
        )
    ),
    st.text(st.characters(codec="utf-8"), max_size=20),
)

texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(
        ["LLM", "chat", "invoke_agent", "12", "-3", "1e400", "NaN", "true", "", "{", "[1, {}]"]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["input", "total", "role", "a"]), inner, max_size=3)
        ),
    ).map(json.dumps),
)

attribute_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=5)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)

# Two names that differ only by a NUL are one name once that is replaced. A span with the mark of
# an export has to be a whole one; Hypothesis draws it as well, as a constant of the program.
attribute_maps = st.dictionaries(
    keys.filter(lambda key: "\0" not in key and key != MARK), attribute_values, max_size=12
)
