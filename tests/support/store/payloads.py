"""Random payloads, and growing histories as agents send them."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

words = st.text(alphabet='ab\\"\n\t\x01\x7fé漢😀,[]{}', max_size=8)
long_words = st.builds(lambda word, times: (word or "x") * times, words, st.integers(20, 200))
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words | long_words
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=40)
        | st.dictionaries(words | st.just("content"), inner, max_size=4)
    ),
    max_leaves=60,
)


def turn(number: int, size: int = 300) -> list[dict[str, Any]]:
    """An answer and the result of a tool, different for each number."""
    text = "".join(random.Random(number).choices("abcdefgh ", k=size))
    return [
        {
            "role": "assistant",
            "content": f"call {number}",
            "tool_calls": [{"id": f"c{number}"}] * 6,
        },
        {"role": "tool", "content": text},
    ]


def history(turns: int, size: int = 300) -> list[dict[str, Any]]:
    """The messages of a conversation of so many turns."""
    start = [{"role": "system", "content": "You are an agent. " * 20}]
    return start + [message for number in range(turns) for message in turn(number, size)]
