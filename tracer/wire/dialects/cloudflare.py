"""Cloudflare's AI Gateway, https://developers.cloudflare.com/ai-gateway/observability/otel-integration/."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.table import Dialect, Rule, present, text

DIALECT: Final = Dialect(
    "cloudflare",
    rules=(
        Rule("input", "gen_ai.prompt_json", present, json=True),
        Rule("output", "gen_ai.completion_json", present, json=True),
        Rule("provider", "gen_ai.model.provider", text),
    ),
)
