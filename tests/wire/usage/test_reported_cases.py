"""Usage as clients were seen to send it, where other tools counted or priced it wrongly."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.support.wire.otlp import decode_json, request, span
from tests.support.wire.usage_routes import ROUTES, cost_of, used
from tracer.records import SpanRecord

STRANDS = {
    "gen_ai.usage.prompt_tokens": 4299,
    "gen_ai.usage.input_tokens": 4299,
    "gen_ai.usage.completion_tokens": 631,
    "gen_ai.usage.output_tokens": 631,
    "gen_ai.usage.total_tokens": 58291,
    "gen_ai.usage.cache_read_input_tokens": 35574,
    "gen_ai.usage.cache_write_input_tokens": 17787,
}
AI_SDK_5 = {
    "ai.usage.inputTokens": 1500,
    "ai.usage.outputTokens": 40,
    "ai.usage.totalTokens": 1540,
    "ai.usage.cachedInputTokens": 1200,
    "ai.response.providerMetadata": json.dumps({
        "anthropic": {
            "usage": {
                "input_tokens": 1500,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 1200,
                "output_tokens": 40,
                "service_tier": "standard",
            }
        }
    }),
}  # fmt: skip
AI_SDK_6 = {
    "ai.model.provider": "anthropic.messages",
    "ai.usage.inputTokens": 2700,
    "ai.usage.outputTokens": 40,
    "ai.usage.totalTokens": 2740,
    "ai.usage.inputTokenDetails.noCacheTokens": 1500,
    "ai.usage.inputTokenDetails.cacheReadTokens": 1200,
    "ai.usage.cachedInputTokens": 1200,
}
BEDROCK = {
    "llm.token_count.prompt": 9000,
    "llm.token_count.completion": 400,
    "llm.token_count.total": 11750,
    "llm.token_count.prompt_details.cache_read": 2000,
    "llm.token_count.prompt_details.cache_write": 350,
}
LITELLM = {
    "llm.token_count.prompt": 1000,
    "llm.token_count.completion": 20,
    "llm.token_count.total": 1020,
    "llm.token_count.prompt_details.cache_input": 1000,
}
MALFORMED = {
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.usage.details": '{"cached": ',
    "gen_ai.usage.cache_read.input_tokens": "n/a",
}
ZEROS = {
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 0,
    "gen_ai.usage.cache_read.input_tokens": 60,
    "gen_ai.usage.cache_creation.input_tokens": 30,
}
SENTRY = {
    "gen_ai.usage.input_tokens": 20,
    "gen_ai.usage.input_tokens.cached": 10,
    "gen_ai.usage.output_tokens": 22,
    "gen_ai.usage.output_tokens.reasoning": 12,
    "gen_ai.usage.total_tokens": 42,
}
ADK = {
    "gcp.vertex.agent.llm_response": json.dumps({
        "usageMetadata": {
            "promptTokenCount": 120,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 300,
            "totalTokenCount": 440,
        }
    }),
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 20,
}  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "values", "expected"),
    [
        (
            "strands.telemetry.tracer",
            STRANDS,
            {"input": 4299, "output": 631, "cache_read": 35574, "cache_write": 17787},
        ),
        ("ai", AI_SDK_5, {"input": 1500, "output": 40, "cache_read": 1200, "cache_write": 0}),
        ("ai", AI_SDK_6, {"input": 1500, "output": 40, "cache_read": 1200}),
        (
            "openinference.instrumentation.langchain",
            BEDROCK,
            {"input": 9000, "output": 400, "cache_read": 2000, "cache_write": 350},
        ),
        ("openinference.instrumentation.litellm", LITELLM, {"input": 1000, "output": 20}),
        ("app", MALFORMED, {"input": 10, "output": 5}),
        ("app", ZEROS, {"input": 10, "output": 0, "cache_read": 60, "cache_write": 30}),
        ("ai", SENTRY, {"input": 10, "output": 10, "cache_read": 10, "reasoning": 12}),
        ("gcp.vertex.agent", ADK, {"input": 120, "output": 20, "reasoning": 300}),
        (
            "mlflow.openai._agent_tracer",
            {"usage": '{"input_tokens": 120, "output_tokens": 30}'},
            {"input": 120, "output": 30},
        ),
    ],
)
def test_attributes_have_the_usage_types_that_the_call_used(
    scope: str, values: dict[str, Any], expected: dict[str, int]
) -> None:
    assert _record(scope, values).usage == expected


def test_what_is_malformed_stays_an_attribute() -> None:
    kept = {"gen_ai.usage.details", "gen_ai.usage.cache_read.input_tokens"}
    assert _record("app", MALFORMED).attributes.keys() == kept


def _record(scope: str, values: dict[str, Any]) -> SpanRecord:
    body = request(span(values))
    body["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": scope}
    [record] = decode_json(body).batch.spans
    return record


@pytest.mark.parametrize("route", ["Langfuse batch", "Langfuse OTLP", "native API", "SDK"])
@pytest.mark.parametrize(
    ("model", "usage", "tokens", "dollars"),
    [
        (
            "gpt-4o",
            {
                "prompt_tokens": 100,
                "completion_tokens": 200,
                "total_tokens": 300,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {
                    "accepted_prediction_tokens": 30,
                    "rejected_prediction_tokens": 90,
                },
            },
            300,
            "0.00225",
        ),
        (
            "claude-sonnet-4-20250514",
            {
                "input_tokens": 1000,
                "cache_creation_input_tokens": 100,
                "cache_read_input_tokens": 300,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": 50,
                "service_tier": "standard",
            },
            1450,
            "0.004215",
        ),
        (
            "gemini-2.5-flash",
            {"input": 0, "output": 0, "total": 2602, "input_text": 2089, "output_text": 513},
            2602,
            "0.0019092",
        ),
        (
            "gemini-2.5-flash",
            {
                "input": 0,
                "output": 0,
                "total_token_count": 2602,
                "input_modality_TEXT": 2089,
                "output_modality_TEXT": 513,
            },
            2602,
            "0.0019092",
        ),
        (
            "claude-sonnet-4-5-20250929",
            {
                "input": 49,
                "output": 20,
                "total": 1020,
                "input_cache_read": 0,
                "input_cache_creation": 0,
                "input_ephemeral_5m_input_tokens": 951,
                "input_ephemeral_1h_input_tokens": 0,
            },
            1020,
            "0.00401325",
        ),
        (
            "gpt-5",
            {
                "input": 100,
                "output": 20,
                "total": 120,
                "input_priority": 100,
                "input_priority_cache_read": 0,
                "output_priority": 20,
                "output_priority_reasoning": 0,
            },
            120,
            "0.000325",
        ),
    ],
)
def test_an_object_of_counts_has_the_tokens_and_the_cost_of_the_call(
    route: str, model: str, usage: dict[str, Any], tokens: int, dollars: str
) -> None:
    record = ROUTES[route](usage, model)
    assert sum(used(record).values()) == tokens
    assert cost_of(record) == (Decimal(dollars), "computed")
