"""Instrumentations that send messages as log records, beside the spans."""

from __future__ import annotations

from typing import Final

from tests.instrumentations.case import BEDROCK, NO_ATTRIBUTE, NO_FIRST_TOKEN, Case
from tests.instrumentations.catalogue.clients import BY_HAND, OTEL
from tests.instrumentations.judging import Scene

CAPTURE: Final = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}


_CLAUDE: Final = f"generation chat {BEDROCK.requested}"
OTEL_OPENAI: Final = Case(
    "otel-openai",
    "OpenTelemetry, OpenAI",
    "otel_openai.py",
    # Its newest version asks for more of its helper than the helper's newest version has.
    (
        "openai",
        "httpx",
        "opentelemetry-instrumentation-openai-v2",
        "opentelemetry-util-genai~=0.4b0",
        *OTEL,
    ),
    (
        Scene(
            "agent",
            "agent",
            "span agent\n  generation chat gpt-4o\n  generation chat gpt-4o",
            "chat",
        ),
        Scene("stream", "stream", "span stream\n  generation chat gpt-4o", "chat"),
        Scene("failure", "failure", "span failure\n  generation chat fail-429", "chat"),
        Scene(
            "embed",
            "embedding",
            "span embed\n  embedding embeddings text-embedding-3-small",
            "embeddings",
        ),
    ),
    variables=CAPTURE,
    not_sent={
        "tools offered": NO_ATTRIBUTE,
        "tool span": BY_HAND,
        "cached": NO_ATTRIBUTE,
        "reasoning": NO_ATTRIBUTE,
        "session": NO_ATTRIBUTE,
        "user": NO_ATTRIBUTE,
        "stream.first token": NO_FIRST_TOKEN,
    },
    wrong={"cost": "cached tokens, which cost less, are not sent"},
)
BOTOCORE_BEDROCK: Final = Case(
    "botocore-bedrock",
    "OpenTelemetry, botocore (Bedrock)",
    "botocore_bedrock.py",
    ("boto3", "opentelemetry-instrumentation-botocore", *OTEL),
    (
        Scene("agent", "agent", f"span agent\n  {_CLAUDE}\n  {_CLAUDE}", "chat"),
        Scene("failure", "failure", "span failure\n  generation chat anthropic.fail-429", "chat"),
    ),
    BEDROCK,
    variables=CAPTURE,
    not_sent={
        "tools offered": NO_ATTRIBUTE,
        "tool span": BY_HAND,
        "session": NO_ATTRIBUTE,
        "user": NO_ATTRIBUTE,
    },
)
