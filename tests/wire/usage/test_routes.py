"""A provider's usage object means the same on every way in, in either case, whole or in parts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.wire.usage_routes import ROUTES, camel_case, cost_of, used

GEMINI_MEDIA = [{"modality": "TEXT", "token_count": 70}, {"modality": "AUDIO", "token_count": 30}]
PROVIDERS: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "OpenAI chat": (
        "gpt-4o",
        {
            "prompt_tokens": 100,
            "completion_tokens": 60,
            "total_tokens": 160,
            "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 10},
            "completion_tokens_details": {
                "reasoning_tokens": 20,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 5,
                "rejected_prediction_tokens": 7,
            },
        },
        {
            "input": 50,
            "cache_read": 40,
            "input_audio": 10,
            "output": 28,
            "reasoning": 20,
            "output_accepted_prediction": 5,
            "output_rejected_prediction": 7,
        },
    ),
    "OpenAI responses": (
        "gpt-5",
        {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 20},
            "output_tokens": 60,
            "output_tokens_details": {"reasoning_tokens": 20},
            "total_tokens": 160,
        },
        {"input": 40, "cache_read": 40, "cache_write": 20, "output": 40, "reasoning": 20},
    ),
    "Anthropic": (
        "claude-sonnet-4-5",
        {
            "input_tokens": 100,
            "cache_creation_input_tokens": 30,
            "cache_read_input_tokens": 40,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "output_tokens": 60,
            "service_tier": "standard",
        },
        {"input": 100, "cache_read": 40, "cache_write_5m": 10, "cache_write_1h": 20, "output": 60},
    ),
    "Gemini": (
        "gemini-2.5-flash",
        {
            "prompt_token_count": 100,
            "cached_content_token_count": 40,
            "candidates_token_count": 60,
            "thoughts_token_count": 25,
            "tool_use_prompt_token_count": 5,
            "prompt_tokens_details": GEMINI_MEDIA,
            "total_token_count": 190,
        },
        {
            "input": 30,
            "cache_read": 40,
            "input_audio": 30,
            "input_tool_use": 5,
            "output": 60,
            "reasoning": 25,
        },
    ),
    "Bedrock": (
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        {
            "input_tokens": 100,
            "output_tokens": 60,
            "total_tokens": 230,
            "cache_read_input_tokens": 40,
            "cache_write_input_tokens": 30,
            "cache_details": [{"ttl": "5m", "input_tokens": 30}],
        },
        {"input": 100, "cache_read": 40, "cache_write_5m": 30, "output": 60},
    ),
    "Cohere": (
        "command-r-plus",
        {
            "billed_units": {"input_tokens": 100, "output_tokens": 60},
            "tokens": {"input_tokens": 170, "output_tokens": 60},
        },
        {"input": 100, "output": 60},
    ),
    "Mistral": (
        "mistral-large-latest",
        {
            "prompt_tokens": 100,
            "completion_tokens": 60,
            "total_tokens": 160,
            "prompt_audio_seconds": None,
            "num_cached_tokens": 40,
        },
        {"input": 60, "cache_read": 40, "output": 60},
    ),
    "DeepSeek": (
        "deepseek-chat",
        {
            "prompt_tokens": 100,
            "completion_tokens": 60,
            "total_tokens": 160,
            "prompt_cache_hit_tokens": 40,
            "prompt_cache_miss_tokens": 60,
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        {"input": 60, "cache_read": 40, "output": 40, "reasoning": 20},
    ),
    "Ollama": (
        "gpt-oss-20b",
        {
            "total_duration": 10_706_818_083,
            "load_duration": 6_338_219_291,
            "prompt_eval_count": 100,
            "prompt_eval_duration": 130_079_000,
            "eval_count": 60,
            "eval_duration": 4_232_710_000,
        },
        {"input": 100, "output": 60},
    ),
    "OpenRouter": (
        "openai/gpt-4o",
        {
            "prompt_tokens": 100,
            "completion_tokens": 60,
            "total_tokens": 160,
            "prompt_tokens_details": {"cached_tokens": 40},
            "cost": 0.0125,
            "cost_details": {"upstream_inference_cost": None},
        },
        {"input": 60, "cache_read": 40, "output": 60},
    ),
    "xAI": (
        "grok-4",
        {
            "prompt_tokens": 100,
            "completion_tokens": 60,
            "total_tokens": 185,
            "prompt_tokens_details": {"text_tokens": 100, "audio_tokens": 0, "cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 25},
            "num_sources_used": 3,
        },
        {"input": 60, "cache_read": 40, "output": 60, "reasoning": 25},
    ),
    "LangChain": (
        "claude-sonnet-4-5",
        {
            "input_tokens": 100,
            "output_tokens": 60,
            "total_tokens": 160,
            "input_token_details": {
                "cache_read": 40,
                "cache_creation": 0,
                "ephemeral_5m_input_tokens": 20,
            },
            "output_token_details": {"reasoning": 20},
        },
        {"input": 40, "cache_read": 40, "cache_write_5m": 20, "output": 40, "reasoning": 20},
    ),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("case", ["snake_case", "camelCase"])
def test_a_providers_usage_has_the_same_usage_types_and_cost_on_every_route(
    provider: str, route: str, case: str
) -> None:
    model, usage, expected = PROVIDERS[provider]
    record = ROUTES[route](usage if case == "snake_case" else camel_case(usage), model)
    assert used(record) == expected
    assert "unreconciled" not in record.flags
    reference = ROUTES["native API"](usage, model)
    assert cost_of(record) == cost_of(reference)
    assert cost_of(record)[0] > 0


def test_a_cost_among_the_counts_is_a_given_cost() -> None:
    model, usage, _ = PROVIDERS["OpenRouter"]
    for send in ROUTES.values():
        assert cost_of(send(usage, model)) == (Decimal("0.0125"), "given")


def test_a_resellers_own_key_adds_the_providers_cost_to_the_fee() -> None:
    model, usage, _ = PROVIDERS["OpenRouter"]
    sent = {**usage, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.25}}
    assert cost_of(ROUTES["native API"](sent, model)) == (Decimal("0.2625"), "given")
