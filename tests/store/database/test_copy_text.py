"""Texts as columns of COPY's lines."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tracer.store.database.copy_text import NULL, escaped

ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\\\": "\\"}


@given(st.text(st.sampled_from("ab\\\n\r\tNé. \x0b\u2028"), max_size=20))
def test_an_escaped_text_is_one_column_and_can_be_restored(text: str) -> None:
    column = escaped(text)
    assert not set(column) & {"\n", "\r", "\t"}
    assert re.sub(r"\\[nrt\\]", lambda match: ESCAPES[match[0]], column) == text
    assert column not in (NULL, "\\.")
