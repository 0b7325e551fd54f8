"""Instrumentations of further frameworks that run agents."""

from __future__ import annotations

from typing import Final

from tests.instrumentations.case import NO_ATTRIBUTE, NO_FIRST_TOKEN, Case
from tests.instrumentations.judging import Scene
from tests.support.environments import OTEL

STRANDS: Final = Case(
    "strands",
    "Strands",
    "strands_agent.py",
    # Its other requirements follow the SDK late; pip, which tries all versions, needs to know.
    (
        "strands-agents[openai]",
        "opentelemetry-sdk<1.45.2",
        "opentelemetry-exporter-otlp-proto-http<1.45.2",
    ),
    (
        Scene(
            "agent",
            "agent",
            """
agent invoke_agent weather
  chain execute_event_loop_cycle
    generation chat
    tool get_weather
  chain execute_event_loop_cycle
    generation chat
""",
            "chat",
        ),
        Scene(
            "stream",
            "stream",
            """
agent invoke_agent plain
  chain execute_event_loop_cycle
    generation chat
""",
            "chat",
        ),
        Scene(
            "failure",
            "failure",
            """
agent invoke_agent failing
  chain execute_event_loop_cycle
    generation chat
""",
            "chat",
        ),
    ),
    not_sent={
        "model": "only the requested model is sent",
        "parameters": NO_ATTRIBUTE,
        "tools offered": "only on the agent's span, and only their names",
        "reasoning": NO_ATTRIBUTE,
    },
    wrong={"provider": "its own name stands there"},
)
HAYSTACK: Final = Case(
    "haystack",
    "Haystack's own tracer",
    "haystack_pipeline.py",
    ("haystack-ai", "opentelemetry-haystack", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
chain haystack.pipeline.run
  chain weather
    agent haystack.agent.run
      chain haystack.agent.step
        generation haystack.agent.step.llm
        tool get_weather
      chain haystack.agent.step
        generation haystack.agent.step.llm
""",
            "haystack.agent.step.llm",
        ),
        Scene("stream", "stream", "chain haystack.pipeline.run\n  generation plain", "plain"),
        Scene("failure", "failure", "chain haystack.pipeline.run\n  generation failing", "failing"),
    ),
    not_sent={
        "requested model": NO_ATTRIBUTE,
        "provider": NO_ATTRIBUTE,
        "parameters": "only those of a single call are sent, none of its component",
        "session": NO_ATTRIBUTE,
        "user": NO_ATTRIBUTE,
        "stream.first token": "sent in the process's local time, without its zone",
    },
)
SMOLAGENTS: Final = Case(
    "smolagents",
    "OpenInference, smolagents",
    "smolagents_openinference.py",
    ("smolagents[openai]", "openinference-instrumentation-smolagents", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
agent weather.run
  chain Step 1
    generation OpenAIModel.generate
    tool get_weather
  generation OpenAIModel.generate
""",
            "OpenAIModel",
        ),
        Scene("stream", "stream", "generation OpenAIModel.generate_stream", "OpenAIModel"),
        Scene("failure", "failure", "generation OpenAIModel.generate", "OpenAIModel"),
    ),
    not_sent={
        "model": "only the requested model is sent",
        "tools offered": "none are, with the request for the last answer",
        "finish reason": "only in a Python object's text",
        "cached": NO_ATTRIBUTE,
        "reasoning": NO_ATTRIBUTE,
        "stream.first token": NO_FIRST_TOKEN,
    },
    wrong={
        "agent.input": "the tool's call and result are texts",
        "cost": "cached tokens, which cost less, are not sent",
    },
)
MASTRA: Final = Case(
    "mastra",
    "Mastra",
    "mastra_agent.mjs",
    # It needs a newer Node than some have; npm would choose an old version for an old Node.
    (
        "node@24",
        "@mastra/core@latest",
        "@mastra/observability@latest",
        "@mastra/otel-exporter@latest",
        "@opentelemetry/exporter-trace-otlp-proto@^0.218",
        "@ai-sdk/openai",
        "zod",
    ),
    (
        Scene(
            "agent",
            "agent",
            """
agent invoke_agent weather
  generation model_generation gpt-4o
    chain agent_step weather
      generation chat gpt-4o
        span model_chunk weather
        span model_chunk weather
      tool get_weather
    chain agent_step weather
      generation chat gpt-4o
        span model_chunk weather
""",
            "chat",
        ),
        Scene(
            "stream",
            "stream",
            """
agent invoke_agent plain
  generation model_generation gpt-4o
    chain agent_step plain
      generation chat gpt-4o
        span model_chunk plain
""",
            "chat",
        ),
        Scene(
            "failure",
            "failure",
            """
agent invoke_agent failing
  generation model_generation fail-400
    chain agent_step failing
      generation chat fail-400
""",
            "chat",
        ),
    ),
    not_sent={
        "input": "only on the span of the step above",
        "tools offered": "only on the agent's span, and only their names",
        "error": "only on the agent's span",
    },
    wrong={"tool call": "only the text of the answer is sent, and the call on the step above"},
)
TRACELOOP_NODE: Final = Case(
    "traceloop-node",
    "Traceloop for Node, OpenAI",
    "traceloop_openai.mjs",
    ("@traceloop/node-server-sdk", "openai", "@opentelemetry/exporter-trace-otlp-proto@^0.203"),
    (
        Scene(
            "agent",
            "agent",
            """
chain agent.workflow
  generation chat gpt-4o
  tool get_weather.tool
  generation chat gpt-4o
""",
            "chat",
        ),
        Scene("stream", "stream", "chain stream.workflow\n  generation chat gpt-4o", "chat"),
        Scene("failure", "failure", "chain failure.workflow", "chat"),
    ),
    not_sent={
        "cached": NO_ATTRIBUTE,
        "reasoning": NO_ATTRIBUTE,
        "stream.first token": NO_FIRST_TOKEN,
        "error": "the span of a call that fails is never ended",
    },
    wrong={
        "stream.tokens": "a stream's tokens are its own estimate",
        "cost": "cached tokens, which cost less, are not sent",
    },
)
MCP: Final = Case(
    "mcp",
    "MCP's Python SDK, client and server",
    "mcp_processes.py",
    ("mcp", *OTEL),
    (
        Scene(
            "agent",
            "other",
            """
span agent
  span MCP send server/discover
    span server/discover
  tool get_weather
    tool get_weather
  span MCP send tools/list
    span tools/list
""",
            "",
        ),
    ),
)
