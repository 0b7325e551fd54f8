"""The texts of a trace and of its spans that can be searched, as SQL expressions.

Ids of traces and spans are none of them: each would take as much of the index as ten words, and a
trace or span is looked up by its id faster than by words.
"""

from __future__ import annotations

from typing import Final

from tracer.store.parts.columns import bit

SEARCHED: Final = ("input", "output", "metadata", "attributes", "events")
"""Columns of payloads that are searched."""


TRACE_TEXT: Final = """
    concat_ws(' ', t.name, t.user_id, t.session_id, t.release, t.version,
        array_to_string(t.tags, ' '), p.metadata, p.input, p.output)
"""
"""Of a row of `traces` t and its row of `trace_payloads` p."""


def _own(name: str) -> str:
    """Return SQL for the text of a payload column; most values have no parts to assemble."""
    return (
        f"CASE WHEN p.split & {bit(name)} <> 0 THEN text_of_payload(p.{name}, true)"
        f" ELSE p.{name}::text END"
    )


SPAN_TEXT: Final = f"""
    concat_ws(' ', s.name, s.kind, s.status_message, s.model,
        {", ".join(f"p.{name}" for name in SEARCHED)})
"""
"""Of a row of `spans` s and its row of `span_payloads` p, if it has one."""
OWN_SPAN_TEXT: Final = f"""
    concat_ws(' ', s.name, s.kind, s.status_message, s.model,
        {", ".join(_own(name) for name in SEARCHED)})
"""
"""The same without its parts, of its row of `span_payload_rows` p."""
PART_TEXT: Final = """
    CASE WHEN get_byte(q.hash, 0) < 128 THEN q.text ELSE text_of_payload(q.text::json, true) END
"""
"""Of a row of `parts` q: a part whose hash begins with a set bit is a skeleton itself."""
