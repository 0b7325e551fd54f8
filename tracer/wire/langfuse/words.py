"""Langfuse's and Tracer's names, in both directions, and values that Langfuse normalises."""

from __future__ import annotations

import re
from typing import Final

TYPES: Final = {
    "SPAN": "span",
    "EVENT": "event",
    "GENERATION": "generation",
    "AGENT": "agent",
    "TOOL": "tool",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "EVALUATOR": "evaluator",
    "EMBEDDING": "embedding",
    "GUARDRAIL": "guardrail",
}
"""Langfuse's observation types and Tracer's span kinds."""

# Kinds without a type in Langfuse have the nearest one.
TYPE_OF: Final = {kind: name for name, kind in TYPES.items()} | {
    "function": "TOOL",
    "reranker": "RETRIEVER",
    "database": "SPAN",
    "http": "SPAN",
}

LEVELS: Final = {name.upper(): name for name in ("debug", "default", "warning", "error")}
DATA_TYPES: Final = {
    "NUMERIC": "numeric",
    "CATEGORICAL": "categorical",
    "BOOLEAN": "boolean",
    "TEXT": "text",
    "CORRECTION": "correction",
}
SOURCES: Final = {"API": "api", "ANNOTATION": "annotation", "EVAL": "eval"}

BUCKET_NAMES: Final = {
    "cache_read": "input_cached_tokens",
    "cache_write": "input_cache_creation",
    "cache_write_5m": "input_cache_creation_5m",
    "cache_write_1h": "input_cache_creation_1h",
    "reasoning": "output_reasoning_tokens",
    "input_audio": "input_audio_tokens",
    "output_audio": "output_audio_tokens",
    "input_image": "input_image_tokens",
    "input_video": "input_video_tokens",
}
"""Usage types by their names in Langfuse's price list."""

DEFAULT_ENVIRONMENT: Final = "default"
_PREFIX: Final = re.compile(r"^(langfuse[-_]?)+")
_ENVIRONMENT: Final = re.compile(r"[a-z0-9_-]{1,40}")


def environment(sent: str) -> str:
    """Return the environment as Langfuse stores it: at most 40 of ``a-z0-9-_``, else default."""
    name = _PREFIX.sub("", sent.strip().lower())[:40]
    return name if _ENVIRONMENT.fullmatch(name) else DEFAULT_ENVIRONMENT
