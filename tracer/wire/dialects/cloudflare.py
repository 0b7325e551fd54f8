"""Cloudflare's AI Gateway, https://developers.cloudflare.com/ai-gateway/observability/otel-integration/."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.parsers import opened, text
from tracer.wire.dialects.table import Dialect, Rule

DIALECT: Final = Dialect(
    "cloudflare",
    rules=(
        Rule("input", "gen_ai.prompt_json", opened, json=True),
        Rule("output", "gen_ai.completion_json", opened, json=True),
        Rule("provider", "gen_ai.model.provider", text),
    ),
)
