"""Usage objects of further APIs, and in the names of instrumentations: the same on every route."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.support.wire.otlp import only_record, span
from tests.support.wire.usage_routes import ROUTES, cost_of, used
from tracer.wire.usage.names import term

OBJECTS: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "OpenAI embeddings": (
        "text-embedding-3-small",
        {"prompt_tokens": 8, "total_tokens": 8},
        {"input": 8},
    ),
    "OpenAI images": (
        "gpt-image-1",
        {
            "total_tokens": 100,
            "input_tokens": 50,
            "output_tokens": 50,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
        },
        {"input": 10, "input_image": 40, "output": 50},
    ),
    "OpenAI realtime": (
        "gpt-realtime",
        {
            "total_tokens": 253,
            "input_tokens": 132,
            "output_tokens": 121,
            "input_token_details": {
                "text_tokens": 100,
                "audio_tokens": 32,
                "cached_tokens": 64,
                "cached_tokens_details": {"text_tokens": 44, "audio_tokens": 20},
            },
            "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        },
        {"input": 56, "input_audio": 12, "cache_read": 64, "output": 30, "output_audio": 91},
    ),
    "Anthropic with thinking": (
        "claude-sonnet-4-5",
        {
            "input_tokens": 10,
            "output_tokens": 20,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 50,
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 100},
            "server_tool_use": {"web_search_requests": 2},
            "service_tier": "standard",
            "output_tokens_details": {"thinking_tokens": 5},
        },
        {"input": 10, "cache_read": 50, "cache_write_5m": 100, "output": 15, "reasoning": 5},
    ),
    "Anthropic with nulls": (
        "claude-sonnet-4-5",
        {
            "input_tokens": 10,
            "output_tokens": 20,
            "cache_creation_input_tokens": None,
            "cache_read_input_tokens": 50,
            "cache_creation": None,
            "server_tool_use": None,
        },
        {"input": 10, "cache_read": 50, "output": 20},
    ),
    "Gemini with all modalities": (
        "gemini-2.5-flash",
        {
            "promptTokenCount": 100,
            "candidatesTokenCount": 30,
            "thoughtsTokenCount": 20,
            "toolUsePromptTokenCount": 7,
            "cachedContentTokenCount": 40,
            "totalTokenCount": 157,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 60},
                {"modality": "IMAGE", "tokenCount": 40},
            ],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 40}],
            "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 30}],
            "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}],
            "trafficType": "ON_DEMAND",
        },
        {
            "input": 20,
            "input_image": 40,
            "cache_read": 40,
            "input_tool_use": 7,
            "output": 30,
            "reasoning": 20,
        },
    ),
    "Gemini live": (
        "gemini-2.5-flash",
        {
            "promptTokenCount": 100,
            "responseTokenCount": 50,
            "thoughtsTokenCount": 10,
            "totalTokenCount": 160,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 100}],
            "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
        },
        {"input_audio": 100, "output_audio": 50, "reasoning": 10},
    ),
    "Gemini that only thought": (
        "gemini-2.5-flash",
        {"promptTokenCount": 100, "thoughtsTokenCount": 200, "totalTokenCount": 300},
        {"input": 100, "reasoning": 200},
    ),
    "Bedrock's metrics of an invocation": (
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        {
            "inputTokenCount": 100,
            "outputTokenCount": 20,
            "invocationLatency": 900,
            "firstByteLatency": 100,
            "cacheReadInputTokenCount": 50,
            "cacheWriteInputTokenCount": 30,
        },
        {"input": 100, "output": 20, "cache_read": 50, "cache_write": 30},
    ),
    "Groq": (
        "llama-3.3-70b-versatile",
        {
            "queue_time": 0.03,
            "prompt_tokens": 4641,
            "prompt_time": 0.0006,
            "completion_tokens": 10,
            "completion_time": 0.46,
            "total_tokens": 4651,
            "total_time": 0.46,
            "prompt_tokens_details": {"cached_tokens": 4608},
        },
        {"input": 33, "cache_read": 4608, "output": 10},
    ),
    "Moonshot": (
        "kimi-k2",
        {"prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160, "cached_tokens": 40},
        {"input": 60, "cache_read": 40, "output": 60},
    ),
    "watsonx": (
        "granite",
        {"input_token_count": 100, "generated_token_count": 60},
        {"input": 100, "output": 60},
    ),
    "the AI SDK's interface of providers": (
        "claude-sonnet-4-5",
        {
            "inputTokens": {"total": 100, "noCache": 60, "cacheRead": 30, "cacheWrite": 10},
            "outputTokens": {"total": 50, "text": 40, "reasoning": 10},
            "raw": {"input_tokens": 60},
        },
        {"input": 60, "cache_read": 30, "cache_write": 10, "output": 40, "reasoning": 10},
    ),
    "LangChain at a priority tier": (
        "gpt-5",
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "total_tokens": 150,
            "input_token_details": {"priority_cache_read": 30, "priority": 70},
            "output_token_details": {"priority_reasoning": 10, "priority": 40},
        },
        {"input": 70, "cache_read": 30, "output": 40, "reasoning": 10},
    ),
    "LiteLLM of Anthropic": (
        "claude-sonnet-4-5",
        {
            "prompt_tokens": 190,
            "completion_tokens": 20,
            "total_tokens": 210,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 50,
            "prompt_tokens_details": {
                "cached_tokens": 50,
                "text_tokens": 40,
                "cache_creation_tokens": 100,
                "cache_creation_token_details": {
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 0,
                },
            },
            "completion_tokens_details": {"reasoning_tokens": 5, "text_tokens": 15},
        },
        {"input": 40, "cache_read": 50, "cache_write_5m": 100, "output": 15, "reasoning": 5},
    ),
    "LangChain, as LangSmith's SDK for JavaScript spells it": (
        "claude-sonnet-4-5",
        {
            "input_tokens": 1000,
            "output_tokens": 50,
            "total_tokens": 1050,
            "input_token_details": {
                "cache_read": 10,
                "ephemeral_5m_input_tokens": 900,
                "ephemeral_1hr_input_tokens": 51,
            },
        },
        {"input": 39, "cache_read": 10, "cache_write_5m": 900, "cache_write_1h": 51, "output": 50},
    ),
    "Gemini's interactions": (
        "gemini-3-pro",
        {
            "total_tokens": 141,
            "total_input_tokens": 12,
            "input_tokens_by_modality": [
                {"modality": "text", "tokens": 4},
                {"modality": "video", "tokens": 8},
            ],
            "total_cached_tokens": 0,
            "total_output_tokens": 9,
            "output_tokens_by_modality": [{"modality": "text", "tokens": 9}],
            "total_tool_use_tokens": 100,
            "tool_use_tokens_by_modality": [{"modality": "text", "tokens": 100}],
            "total_thought_tokens": 20,
        },
        {"input": 4, "input_video": 8, "input_tool_use": 100, "output": 9, "reasoning": 20},
    ),
    "Gemini, with members of a Python enum": (
        "gemini-2.5-flash",
        {
            "prompt_token_count": 10,
            "candidates_token_count": 5,
            "total_token_count": 15,
            "prompt_tokens_details": [
                {"modality": "MediaModality.TEXT", "token_count": 4},
                {"modality": "MediaModality.AUDIO", "token_count": 6},
            ],
        },
        {"input": 4, "input_audio": 6, "output": 5},
    ),
    "counts of other things than tokens": (
        "MiniMax-M2",
        {
            "total_tokens": 120,
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_characters": 450,
            "image_pixels": 2_000_000,
            "successful_requests": 3,
        },
        {"input": 100, "output": 20},
    ),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_has_the_same_usage_types_on_every_route(name: str) -> None:
    model, usage, expected = OBJECTS[name]
    assert {route: used(send(usage, model)) for route, send in ROUTES.items()} == dict.fromkeys(
        ROUTES, expected
    )


PREFIXES = {
    "OpenTelemetry by modality": (
        "gen_ai.usage.",
        {
            "input_tokens": 300,
            "text.input_tokens": 100,
            "image.input_tokens": 200,
            "image.cache_read.input_tokens": 40,
            "cache_read.input_tokens": 40,
            "output_tokens": 80,
            "text.output_tokens": 50,
            "image.output_tokens": 30,
            "reasoning.output_tokens": 10,
        },
        {
            "input": 100,
            "input_image": 160,
            "cache_read": 40,
            "output": 40,
            "output_image": 30,
            "reasoning": 10,
        },
    ),
    "LiveKit by both conventions": (
        "gen_ai.usage.",
        {
            "input_tokens": 132,
            "output_tokens": 121,
            "input_text_tokens": 119,
            "input_audio_tokens": 13,
            "input_cached_tokens": 64,
            "cache_read.input_tokens": 64,
            "output_text_tokens": 30,
            "output_audio_tokens": 91,
        },
        {"input": 55, "input_audio": 13, "cache_read": 64, "output": 30, "output_audio": 91},
    ),
    "Pydantic AI of Anthropic": (
        "gen_ai.usage.",
        {
            "input_tokens": 160,
            "output_tokens": 20,
            "cache_read.input_tokens": 50,
            "cache_creation.input_tokens": 100,
            "details.input_tokens": 10,
            "details.cache_read_input_tokens": 50,
            "details.cache_creation_input_tokens": 100,
        },
        {"input": 10, "cache_read": 50, "cache_write": 100, "output": 20},
    ),
    "Pydantic AI of Gemini": (
        "gen_ai.usage.",
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "details.thoughts_tokens": 20,
            "details.cached_content_tokens": 40,
            "details.text_prompt_tokens": 90,
            "details.audio_prompt_tokens": 10,
            "details.text_candidates_tokens": 30,
            "details.text_cache_tokens": 40,
        },
        {"input": 50, "input_audio": 10, "cache_read": 40, "output": 30, "reasoning": 20},
    ),
    "Mastra": (
        "gen_ai.usage.",
        {
            "input_tokens": 100,
            "output_tokens": 60,
            "cache_read.input_tokens": 30,
            "cache_creation.input_tokens": 10,
            "reasoning_tokens": 20,
            "audio_input_tokens": 5,
            "audio_output_tokens": 4,
        },
        {
            "input": 55,
            "cache_read": 30,
            "cache_write": 10,
            "input_audio": 5,
            "output": 36,
            "reasoning": 20,
            "output_audio": 4,
        },
    ),
    "OpenRouter Broadcast": (
        "gen_ai.usage.",
        {
            "input_tokens": 100,
            "output_tokens": 60,
            "total_tokens": 160,
            "input_tokens.cached": 30,
            "input_tokens.cache_write": 10,
            "input_tokens.audio": 5,
            "input_tokens.video": 0,
            "output_tokens.reasoning": 20,
        },
        {
            "input": 55,
            "cache_read": 30,
            "cache_write": 10,
            "input_audio": 5,
            "output": 40,
            "reasoning": 20,
        },
    ),
    "Cohere's objects, flattened": (
        "gen_ai.usage.",
        {
            "input_tokens": 5,
            "output_tokens": 10,
            "billed_units.input_tokens": 5,
            "billed_units.output_tokens": 10,
            "tokens.input_tokens": 70,
            "tokens.output_tokens": 10,
        },
        {"input": 5, "output": 10},
    ),
    "one part beside its whole and one inside, by the total": (
        "gen_ai.usage.",
        {
            "input_tokens": 100,
            "output_tokens": 60,
            "total_tokens": 190,
            "cache_read_input_tokens": 30,
            "reasoning_tokens": 20,
        },
        {"input": 100, "cache_read": 30, "output": 40, "reasoning": 20},
    ),
    "reasoning beside a larger output, by the total": (
        "llm.token_count.",
        {"prompt": 100, "completion": 60, "total": 210, "completion_details.reasoning": 50},
        {"input": 100, "output": 60, "reasoning": 50},
    ),
    "OpenInference": (
        "llm.token_count.",
        {
            "prompt": 160,
            "completion": 20,
            "total": 180,
            "prompt_details.cache_read": 50,
            "prompt_details.cache_write": 100,
            "completion_details.reasoning": 5,
        },
        {"input": 10, "cache_read": 50, "cache_write": 100, "output": 15, "reasoning": 5},
    ),
    "ADK's experimental names": (
        "gen_ai.usage.",
        {
            "input_tokens": "100",
            "output_tokens": "50",
            "experimental.reasoning_tokens": "20",
            "experimental.reasoning_tokens_limit": "1024",
            "experimental.system_instruction_tokens": "30",
        },
        {"input": 100, "output": 30, "reasoning": 20},
    ),
    "Sentry's names before OpenTelemetry's": (
        "ai.",
        {"prompt_tokens.used": 100, "completion_tokens.used": 20, "total_tokens.used": 120},
        {"input": 100, "output": 20},
    ),
}


@pytest.mark.parametrize("name", PREFIXES)
def test_attributes_of_an_instrumentation_have_disjoint_usage_types(name: str) -> None:
    prefix, counts, expected = PREFIXES[name]
    record = only_record(span({f"{prefix}{key}": number for key, number in counts.items()}))
    assert used(record) == expected
    assert record.flags == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"gen_ai.cost": 0.25}, {"total": "0.25"}),
        ({"llm.cost": "0.25"}, {"total": "0.25"}),
        ({"gen_ai.usage.cost_usd": 0.25}, {"total": "0.25"}),
        (
            {
                "gen_ai.cost.input_tokens": 0.5,
                "gen_ai.cost.cache_read.input_tokens": 0.2,
                "gen_ai.cost.output_tokens": 0.3,
                "gen_ai.cost.total_tokens": 0.8,
            },
            {"input": "0.3", "cache_read": "0.2", "output": "0.3"},
        ),
        (
            {
                "llm.cost.prompt": 0.5,
                "llm.cost.prompt_details.input": 0.3,
                "llm.cost.prompt_details.cache_read": 0.2,
                "llm.cost.completion": 0.3,
                "llm.cost.total": 0.8,
            },
            {"input": "0.3", "cache_read": "0.2", "output": "0.3"},
        ),
        (
            {
                "langsmith.metadata.usage_metadata": json.dumps(
                    {"input_tokens": 1, "input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3}
                )
            },
            {"input": "0.1", "output": "0.2"},
        ),
        (
            {
                "ai.response.providerMetadata": json.dumps(
                    {"openai": {"responseId": "r"}, "gateway": {"cost": "0.25", "marketCost": "1"}}
                )
            },
            {"total": "0.25"},
        ),
        (
            {
                "ai.response.providerMetadata": json.dumps(
                    {"openrouter": {"usage": {"promptTokens": 9, "cost": 0.25}}}
                )
            },
            {"total": "0.25"},
        ),
        (
            {
                "ai.response.providerMetadata": json.dumps(
                    {"xai": {"costInUsdTicks": 2_500_000_000}}
                )
            },
            {"total": "0.25"},
        ),
    ],
)
def test_a_sent_cost_is_given_under_any_of_its_names(
    values: dict[str, Any], expected: dict[str, str]
) -> None:
    record = only_record(span(values))
    assert {usage_type: Decimal(dollars) for usage_type, dollars in expected.items()} == {
        usage_type: dollars for usage_type, dollars in record.cost.items() if dollars
    }
    assert record.cost_source == "given"


@pytest.mark.parametrize(
    ("model", "requested"),
    [
        ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1:free"),
        ("deepseek/deepseek-r1", "deepseek/deepseek-r1:free"),
    ],
)
def test_a_reseller_s_free_variant_costs_nothing_also_if_the_answer_names_the_maker_s_model(
    model: str, requested: str
) -> None:
    values = {"gen_ai.request.model": requested, "gen_ai.response.model": model}
    tokens = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50}
    assert cost_of(only_record(span({**values, **tokens}))) == (Decimal(0), "computed")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("uncached_input_tokens", "input_rest"),
        ("input_uncached", "input_rest"),
        ("non_cached_input_tokens", "input_rest"),
        ("cache_create_input_tokens", "cache_write"),
        ("cache_store_tokens", "cache_write"),
        ("total_tokens_used", "total"),
        ("cache_creation_1h_tokens", "cache_write_1h"),
        ("prompt_tokens_cached", "cache_read"),
        ("video_tokens_input", "input_video"),
        ("native_tokens_prompt", None),
    ],
)
def test_a_name_of_any_spelling_has_its_meaning(name: str, meaning: str | None) -> None:
    assert term(name) == meaning
