"""The texts of a trace and of its spans that can be searched, as SQL expressions."""

from __future__ import annotations

from typing import Final

TRACE_TEXT: Final = """
    concat_ws(' ', t.trace_id, t.name, t.user_id, t.session_id, t.release, t.version,
        array_to_string(t.tags, ' '), p.metadata, p.input, p.output)
"""
"""Of a row of `traces` t and its row of `trace_payloads` p."""
SPAN_TEXT: Final = """
    concat_ws(' ', s.span_id, s.name, s.kind, s.status_message, s.model, p.input, p.output,
        p.metadata, p.attributes, p.events)
"""
"""Of a row of `spans` s and its row of `span_payloads` p, if it has one."""
