"""Instrumentations of frameworks that run agents."""

from __future__ import annotations

from typing import Final

from tests.instrumentations.case import (
    GEMINI,
    NO_ATTRIBUTE,
    NO_FIRST_TOKEN,
    STREAMS_SEND_REQUESTED,
    Case,
    alone,
)
from tests.instrumentations.judging import Scene
from tests.support.environments import OTEL

_LANGCHAIN: Final = ("langchain", "langchain-openai", "langgraph")

PYDANTIC_AI: Final = Case(
    "pydantic-ai",
    "Pydantic AI",
    "pydantic_ai_app.py",
    ("pydantic-ai-slim[openai]", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
agent weather run
  generation chat gpt-4o
  tool get_weather
  generation chat gpt-4o
""",
            "chat",
        ),
        Scene("stream", "stream", "agent plain run\n  generation chat gpt-4o", "chat"),
        Scene("failure", "failure", "agent failing run\n  generation chat fail-429", "chat"),
    ),
    not_sent={"user": NO_ATTRIBUTE},
)
LANGCHAIN_OPENLLMETRY: Final = Case(
    "langchain-openllmetry",
    "OpenLLMetry, LangChain + LangGraph",
    "langchain_openllmetry.py",
    (*_LANGCHAIN, "opentelemetry-instrumentation-langchain", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
agent invoke_agent weather
  chain weather.workflow
    chain execute_task model
      generation ChatOpenAI.chat
    chain execute_task tools
      tool get_weather
    chain execute_task model
      generation ChatOpenAI.chat
""",
            "ChatOpenAI.chat",
        ),
        *alone("ChatOpenAI.chat"),
    ),
    not_sent={
        "reasoning": NO_ATTRIBUTE,
        "stream.model": STREAMS_SEND_REQUESTED,
        "stream.first token": NO_FIRST_TOKEN,
    },
)
_GRAPH: Final = Scene(
    "agent",
    "agent",
    """
chain weather
  chain model
    generation ChatOpenAI
  chain tools
    tool get_weather
  chain model
    generation ChatOpenAI
""",
    "ChatOpenAI",
)
LANGCHAIN_OPENINFERENCE: Final = Case(
    "langchain-openinference",
    "OpenInference, LangChain + LangGraph",
    "langchain_openinference.py",
    (*_LANGCHAIN, "openinference-instrumentation-langchain", *OTEL),
    (_GRAPH, *alone("ChatOpenAI")),
    not_sent={
        "user": "only in metadata, under the application's own name for it",
        "stream.model": STREAMS_SEND_REQUESTED,
        "stream.first token": NO_FIRST_TOKEN,
    },
)
LANGSMITH: Final = Case(
    "langsmith",
    "LangSmith's OTel export, LangChain + LangGraph",
    "langsmith_export.py",
    (*_LANGCHAIN, "langsmith[otel]", *OTEL),
    (_GRAPH, *alone("ChatOpenAI")),
    variables={
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_OTEL_ENABLED": "true",
        "LANGSMITH_OTEL_ONLY": "true",
        "LANGSMITH_API_KEY": "none",
    },
    not_sent={"stream.first token": NO_FIRST_TOKEN},
)
LLAMAINDEX: Final = Case(
    "llamaindex",
    "OpenInference, LlamaIndex",
    "llamaindex_openinference.py",
    (
        "llama-index-core",
        "llama-index-llms-openai",
        "openinference-instrumentation-llama-index",
        *OTEL,
    ),
    (
        Scene(
            "agent",
            "agent",
            """
chain FunctionAgent.run
  chain BaseWorkflowAgent.init_run
  chain BaseWorkflowAgent.setup_agent
  chain BaseWorkflowAgent.run_agent_step
    generation OpenAI._prepare_chat_with_tools
    generation OpenAI.achat
  chain BaseWorkflowAgent.parse_agent_output
  chain BaseWorkflowAgent.call_tool
    tool get_weather
  chain BaseWorkflowAgent.aggregate_tool_results
  chain BaseWorkflowAgent.setup_agent
  chain BaseWorkflowAgent.run_agent_step
    generation OpenAI._prepare_chat_with_tools
    generation OpenAI.achat
  chain BaseWorkflowAgent.parse_agent_output
""",
            "OpenAI.achat",
        ),
        Scene("stream", "stream", "generation OpenAI.stream_complete", "OpenAI.stream"),
        Scene("failure", "failure", "generation OpenAI.complete", "OpenAI.complete"),
    ),
    not_sent={
        "model": "only the requested model is sent",
        "parameters": "the parameters are those of the context window",
    },
)


def _agents(agent: str, *turns: str) -> str:
    lines = "\n".join(f"      chain turn\n{turn}" for turn in turns)
    return f"agent Agent workflow\n  chain Agent workflow\n    agent {agent}\n{lines}"


_RESPONSE: Final = "        generation response"
OPENAI_AGENTS: Final = Case(
    "openai-agents",
    "OpenInference, OpenAI Agents SDK",
    "openai_agents.py",
    ("openai-agents", "openinference-instrumentation-openai-agents", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            _agents("weather", f"{_RESPONSE}\n        tool get_weather", _RESPONSE),
            "response",
        ),
        Scene("stream", "stream", _agents("plain", _RESPONSE), "response"),
        Scene("failure", "failure", _agents("failing", _RESPONSE), "response"),
    ),
    not_sent={
        "requested model": "the response's model is sent for both",
        "stream.first token": NO_FIRST_TOKEN,
    },
)
GOOGLE_ADK: Final = Case(
    "google-adk",
    "Google ADK, Gemini",
    "google_adk.py",
    ("google-adk", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
chain invoke_workflow weather
  agent invoke_agent weather
    generation generate_content gemini-2.5-flash
    tool get_weather
    generation generate_content gemini-2.5-flash
""",
            "generate_content",
        ),
        Scene(
            "stream",
            "stream",
            """
chain invoke_workflow plain
  agent invoke_agent plain
    generation generate_content gemini-2.5-flash
""",
            "generate_content",
        ),
        Scene(
            "failure",
            "failure",
            """
chain invoke_workflow failing
  agent invoke_agent failing
    generation generate_content gemini-fail-400
""",
            "generate_content",
        ),
    ),
    GEMINI,
    variables={
        "GOOGLE_API_KEY": "none",
        "GOOGLE_GEMINI_BASE_URL": "{models}",
        # Messages are sent only to who asks for them.
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    },
    not_sent={
        "parameters": NO_ATTRIBUTE,
        "user": "the runner's user is on no span",
        "stream.first token": NO_FIRST_TOKEN,
    },
    wrong={"stream.output": "each piece of a stream is sent as a message of its own"},
)
CREWAI: Final = Case(
    "crewai",
    "OpenInference, CrewAI and OpenAI",
    "crewai_openinference.py",
    (
        "crewai",
        "openinference-instrumentation-crewai",
        "openinference-instrumentation-openai",
        *OTEL,
    ),
    (
        Scene(
            "agent",
            "agent",
            """
chain forecast.kickoff
  agent weather._execute_core
    generation ChatCompletion
    tool get_weather
    generation ChatCompletion
""",
            "ChatCompletion",
        ),
        Scene(
            "failure",
            "failure",
            """
chain forecast.kickoff
  agent weather._execute_core
    generation ChatCompletion
    generation ChatCompletion
    generation ChatCompletion
""",
            "ChatCompletion",
        ),
    ),
    variables={
        # Its own telemetry would call home.
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
    },
)
VERCEL_AI: Final = Case(
    "vercel-ai",
    "Vercel AI SDK (Node)",
    "vercel_ai.mjs",
    (
        "ai",
        "@ai-sdk/openai",
        "zod",
        "@opentelemetry/api",
        "@opentelemetry/sdk-trace-node",
        "@opentelemetry/exporter-trace-otlp-proto",
    ),
    (
        Scene(
            "agent",
            "agent",
            """
chain ai.generateText weather
  generation ai.generateText.doGenerate weather
  tool get_weather
  generation ai.generateText.doGenerate weather
""",
            "ai.generateText.doGenerate",
        ),
        Scene(
            "stream",
            "stream",
            "chain ai.streamText weather\n  generation ai.streamText.doStream weather",
            "ai.streamText.doStream",
        ),
        Scene(
            "failure",
            "failure",
            "chain ai.generateText weather\n  generation ai.generateText.doGenerate weather",
            "ai.generateText.doGenerate",
        ),
    ),
)
SEMANTIC_KERNEL: Final = Case(
    "semantic-kernel",
    "Semantic Kernel",
    "semantic_kernel_agent.py",
    ("semantic-kernel", *OTEL),
    (
        Scene(
            "agent",
            "agent",
            """
agent invoke_agent weather
  chain AutoFunctionInvocationLoop
    generation chat gpt-4o
    tool Weather-get_weather
    generation chat gpt-4o
""",
            "chat",
        ),
        Scene(
            "stream",
            "stream",
            """
agent invoke_agent plain
  chain AutoFunctionInvocationLoop
    generation chat gpt-4o
""",
            "chat",
        ),
        Scene(
            "failure",
            "failure",
            """
agent invoke_agent failing
  chain AutoFunctionInvocationLoop
    generation chat fail-429
""",
            "chat",
        ),
    ),
    variables={"SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE": "true"},
    not_sent={
        "model": "only the requested model is sent",
        "tools offered": "only on the agent's span",
        "cached": NO_ATTRIBUTE,
        "reasoning": NO_ATTRIBUTE,
        "session": NO_ATTRIBUTE,
        "user": NO_ATTRIBUTE,
        "stream.first token": NO_FIRST_TOKEN,
    },
    wrong={"cost": "cached tokens, which cost less, are not sent"},
)
