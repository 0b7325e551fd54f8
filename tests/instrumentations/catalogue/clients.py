"""Instrumentations of the clients that call a model, used by hand."""

from __future__ import annotations

from typing import Final

from tests.instrumentations.case import (
    ANTHROPIC,
    GEMINI,
    NO_ATTRIBUTE,
    NO_FIRST_TOKEN,
    STREAMS_SEND_REQUESTED,
    Case,
    alone,
)
from tests.instrumentations.judging import Scene
from tests.support.environments import OTEL

BY_HAND: Final = "the application runs the tool, and traces nothing of it"
NOT_STREAMED: Final = "not for streams"
NOT_RESPONSES: Final = "not for the Responses API"
COUNTS_BOTH_ENDS: Final = "the stream's first count of output is added to its last"


def _plain(call: str, below: str = "") -> tuple[Scene, ...]:
    """Return the scenes of a client used by hand, whose calls are all named alike."""
    inner = f"\n    {below}" if below else ""
    line = f"  generation {call}{inner}"
    return (
        Scene("agent", "agent", f"span agent\n{line}\n{line}", call),
        Scene("stream", "stream", f"span stream\n{line}", call),
        Scene("failure", "failure", f"span failure\n{line}", call),
    )


def _responses(call: str, embedding: str) -> tuple[Scene, ...]:
    """Return the scenes of the Responses API, and of embeddings."""
    line = f"  generation {call}"
    return (
        Scene("responses", "agent", f"span responses\n{line}\n{line}", call),
        Scene("responses_stream", "stream", f"span responses_stream\n{line}", call),
        Scene("embed", "embedding", f"span embed\n  embedding {embedding}", embedding),
    )


OPENLLMETRY_OPENAI: Final = Case(
    "openllmetry-openai",
    "OpenLLMetry, OpenAI",
    "openllmetry_openai.py",
    ("openai", "opentelemetry-instrumentation-openai", *OTEL),
    (*_plain("openai.chat"), *_responses("openai.response", "openai.embeddings")),
    not_sent={
        "tool span": BY_HAND,
        "session": NO_ATTRIBUTE,
        "user": NO_ATTRIBUTE,
        "stream.reasoning": NOT_STREAMED,
        "responses_stream.first token": NOT_RESPONSES,
    },
)
OPENLLMETRY_ANTHROPIC: Final = Case(
    "openllmetry-anthropic",
    "OpenLLMetry, Anthropic",
    "openllmetry_anthropic.py",
    ("anthropic", "opentelemetry-instrumentation-anthropic", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
span agent
  generation anthropic.chat
  generation anthropic.messages.create
  generation anthropic.chat
  generation anthropic.messages.create
""",
            "anthropic.chat",
        ),
        Scene(
            "stream",
            "stream",
            """
span stream
  generation anthropic.chat
  generation anthropic.messages.create
""",
            "anthropic.chat",
        ),
        Scene(
            "failure",
            "failure",
            """
span failure
  generation anthropic.chat
  generation anthropic.messages.create
""",
            "anthropic.chat",
        ),
    ),
    ANTHROPIC,
    not_sent={
        "tool span": BY_HAND,
        "session": NO_ATTRIBUTE,
        "user": NO_ATTRIBUTE,
        "stream.first token": "only on the span of Anthropic's own SDK beside it",
    },
    wrong={
        "stream.tokens": COUNTS_BOTH_ENDS,
        "stream.cost": COUNTS_BOTH_ENDS,
    },
)
OPENINFERENCE_OPENAI: Final = Case(
    "openinference-openai",
    "OpenInference, OpenAI",
    "openinference_openai.py",
    ("openai", "openinference-instrumentation-openai", *OTEL),
    (*_plain("ChatCompletion"), *_responses("Response", "CreateEmbeddings")),
    not_sent={"tool span": BY_HAND, "responses.finish reason": NOT_RESPONSES},
)
OPENINFERENCE_ANTHROPIC: Final = Case(
    "openinference-anthropic",
    "OpenInference, Anthropic",
    "openinference_anthropic.py",
    ("anthropic", "openinference-instrumentation-anthropic", *OTEL),
    _plain("messages.create", "generation anthropic.messages.create"),
    ANTHROPIC,
    not_sent={
        "tool span": BY_HAND,
        "stream.first token": "only on the span of Anthropic's own SDK below it",
    },
)
OPENINFERENCE_GOOGLE_GENAI: Final = Case(
    "openinference-google-genai",
    "OpenInference, Google Gen AI",
    "openinference_google_genai.py",
    ("google-genai", "openinference-instrumentation-google-genai", *OTEL),
    (
        *_plain("GenerateContent")[:1],
        Scene("stream", "stream", "span stream\n  generation GenerateContentStream", "Generate"),
        *_plain("GenerateContent")[2:],
    ),
    GEMINI._replace(name="google"),
    not_sent={"tool span": BY_HAND, "stream.first token": NO_FIRST_TOKEN},
)
LITELLM: Final = Case(
    "litellm",
    "LiteLLM's OTel callback",
    "litellm_callback.py",
    ("litellm", "mcp", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
span agent
  generation litellm_request
    span raw_gen_ai_request
  generation litellm_request
    span raw_gen_ai_request
""",
            "litellm_request",
        ),
        Scene("around the stream", "other", "span stream", ""),
        Scene(
            "stream",
            "stream",
            "generation litellm_request\n  span raw_gen_ai_request",
            "litellm_request",
        ),
        Scene(
            "failure", "failure", "span failure\n  generation litellm_request", "litellm_request"
        ),
    ),
    variables={
        # Its price list is in the package; else it is fetched.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        # Else it writes on the span around it, where the second call overwrites the first.
        "USE_OTEL_LITELLM_REQUEST_SPAN": "true",
    },
    not_sent={
        "tool span": BY_HAND,
        "session": NO_ATTRIBUTE,
        "stream.model": STREAMS_SEND_REQUESTED,
        "stream.first token": NO_FIRST_TOKEN,
    },
)


_OF_THE_TRACE: Final = "MLflow keeps it with the trace, which isn't exported"
MLFLOW: Final = Case(
    "mlflow",
    "MLflow's OTLP export, OpenAI",
    "mlflow_export.py",
    ("mlflow", "openai", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
agent agent
  generation Completions
  tool get_weather
  generation Completions
""",
            "Completions",
        ),
        *alone("Completions"),
    ),
    variables={
        "MLFLOW_ENABLE_OTLP_EXPORTER": "true",
        "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    },
    not_sent={
        "provider": "only the format of the messages is sent",
        "reasoning": "its counts have no such type",
        "session": _OF_THE_TRACE,
        "user": _OF_THE_TRACE,
    },
)
