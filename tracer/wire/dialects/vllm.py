"""vLLM and SGLang, which serve models and share the names of their latencies, https://docs.vllm.ai."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects.parsers import constant, seconds
from tracer.wire.dialects.table import Dialect, Rule

_LATENCY: Final = "gen_ai.latency."

DIALECT: Final = Dialect(
    "vllm",
    scopes=("vllm*", "sglang*"),
    rules=(
        # A served request has these, and often no other sign of a model call.
        Rule("kind_hint", f"{_LATENCY}e2e", constant("generation"), keep=True),
        Rule("kind_hint", f"{_LATENCY}time_to_first_token", constant("generation"), keep=True),
        Rule("first_token_delay", f"{_LATENCY}time_to_first_token", seconds),
    ),
)
