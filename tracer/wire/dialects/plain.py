"""Names without any prefix, as hand-made spans have them; every dialect's own names come first."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.table import Dialect, Rule, count, inclusive_usage, names, present, text

_COUNTS: Final = {
    "input_tokens": "input",
    "prompt_tokens": "input",
    "output_tokens": "output",
    "completion_tokens": "output",
    "total_tokens": "total",
}

DIALECT: Final = Dialect(
    "plain",
    rules=(
        Rule("input", "input", present, json=True, late=True),
        Rule("output", "output", present, json=True, late=True),
        Rule("model", "model", text, late=True),
        *(
            Rule("usage", name, count, bucket, inclusive_usage, late=True)
            for name, bucket in _COUNTS.items()
        ),
        Rule("trace.session_id", "session_id", text, keep=True, late=True),
        Rule("trace.session_id", "thread_id", text, keep=True, late=True),
        Rule("trace.user_id", "user_id", text, keep=True, late=True),
        Rule("trace.tags", "tags", names, json=True, late=True),
    ),
)
