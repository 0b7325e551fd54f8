"""Fields of spans in the names and forms that clients were seen to send."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tests.support.wire.otlp import decode_json, request, span


class Sent(NamedTuple):
    """A span's attributes, and the fields that they have to set."""

    attributes: dict[str, Any]
    fields: dict[str, Any]
    name: str = "call"
    scope: str = "app"


LLM = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
CASES = {
    "LiteLLM's tools without a schema": Sent(
        {**LLM, "llm.tools.0.tool.name": "f", "llm.tools.0.tool.parameters": '{"type": "object"}'},
        {"tools": [{"name": "f", "parameters": {"type": "object"}}], "attributes": {}},
    ),
    "LiteLLM's serving model and answer id": Sent(
        {**LLM, "llm.response.model": "gpt-4o-2024-08-06", "llm.response.id": "chatcmpl-1"},
        {"model": "gpt-4o-2024-08-06", "call_id": "chatcmpl-1"},
    ),
    "a finish reason that only the provider's whole answer has": Sent(
        {
            **LLM,
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "x",
            "output.value": '{"choices": [{"finish_reason": "length"}]}',
        },
        {
            "finish_reasons": ["length"],
            "output": [{"role": "assistant", "content": "x"}],
        },
    ),
    "an agent repeats its last answer": Sent(
        {
            "openinference.span.kind": "AGENT",
            "output.value": '{"choices": [{"finish_reason": "length"}]}',
        },
        {"finish_reasons": []},
    ),
    "audio by OpenInference": Sent(
        {
            **LLM,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "audio",
            "llm.input_messages.0.message.contents.0.message_content.audio.audio.url": "https://e/a",
        },
        {
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "audio", "audio": {"url": "https://e/a"}}],
                }
            ]
        },
    ),
    "a search in a memory": Sent(
        {
            "gen_ai.operation.name": "search_memory",
            "gen_ai.memory.query.text": "diet",
            "gen_ai.memory.records": '[{"content": "vegetarian"}]',
        },
        {"kind": "retriever", "input": "diet", "output": [{"content": "vegetarian"}]},
    ),
    "variables of a prompt are no messages": Sent(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.prompt.name": "greeting",
            "gen_ai.prompt.version": "3",
            "gen_ai.prompt.variable.city": "Paris",
        },
        {
            "input": None,
            "prompt_name": "greeting",
            "prompt_version": 3,
            "attributes": {
                "gen_ai.operation.name": "chat",
                "gen_ai.prompt.variable.city": "Paris",
            },
        },
    ),
    "requests are no parameters": Sent(
        {
            "gen_ai.request.model": "m",
            "gen_ai.request.id": "r",
            "gen_ai.request.user": "u",
            "gen_ai.request.headers": "{}",
            "gen_ai.request.contents": "hi",
            "gen_ai.request.system_instructions": "Be brief.",
            "gen_ai.request.tools.0.name": "f",
            "gen_ai.request.tool_choice": "auto",
            "gen_ai.request.choice.count": 2,
        },
        {"model_parameters": {"tool_choice": "auto", "choice.count": 2}},
    ),
    "Strands' names of an agent's tools": Sent(
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.tools": '["a", "b"]'},
        {"tools": [{"name": "a"}, {"name": "b"}]},
    ),
    "a kind without an operation": Sent({"gen_ai.span.kind": "AGENT"}, {"kind": "agent"}),
    "an operation has precedence over it": Sent(
        {"gen_ai.span.kind": "TASK", "gen_ai.operation.name": "execute_tool"}, {"kind": "tool"}
    ),
    "AgentOps' functions and a call": Sent(
        {
            "agentops.span.kind": "llm",
            "gen_ai.request.functions.0.name": "f",
            "gen_ai.request.functions.0.parameters": '{"type": "object"}',
        },
        {
            "kind": "generation",
            "tools": [{"name": "f", "parameters": {"type": "object"}}],
            "model_parameters": {},
        },
        scope="agentops",
    ),
    "AgentOps' step of a workflow": Sent(
        {"agentops.span.kind": "workflow.step", "workflow.step.input": "a"},
        {"kind": "chain", "input": "a"},
        scope="agentops",
    ),
    "an MCP call by OpenLLMetry, named by its arguments": Sent(
        {
            "mcp.method.name": "tools/call",
            "mcp.request.argument": '{"name": "get_weather", "arguments": {"c": 1}}',
        },
        {"kind": "tool", "name": "get_weather"},
        name="tools/call.mcp",
    ),
    "another MCP request keeps its name": Sent(
        {"mcp.method.name": "prompts/get", "mcp.request.argument": '{"name": "greeting"}'},
        {"kind": "span", "name": "prompts/get.mcp"},
        name="prompts/get.mcp",
    ),
    "an MCP call by the names of remote calls": Sent(
        {"rpc.system": "mcp", "rpc.method": "tools/call"},
        {"kind": "tool", "name": "get_weather"},
        name="tools/call get_weather",
    ),
    "LiveKit's arguments as JSON within JSON": Sent(
        {"lk.function_tool.arguments": json.dumps('{"a": 1}')},
        {"input": {"a": 1}},
        scope="livekit-agents",
    ),
    "LiveKit's metrics of a call": Sent(
        {
            "gen_ai.usage.input_tokens": 12480,
            "gen_ai.usage.output_tokens": 210,
            "lk.llm_metrics": json.dumps(
                {
                    "ttft": 0.25,
                    "duration": 1.0,
                    "prompt_tokens": 12480,
                    "prompt_cached_tokens": 9360,
                    "completion_tokens": 210,
                    "total_tokens": 12690,
                    "tokens_per_second": 65.2,
                    "metadata": {"model_name": "gpt-4o", "model_provider": "openai"},
                }
            ),
        },
        {
            "kind": "generation",
            "model": "gpt-4o",
            "provider": "openai",
            "usage": {"input": 3120, "cache_read": 9360, "output": 210},
            "first_token_time": 1_767_225_600_250_000,
        },
        name="llm_request",
        scope="livekit-agents",
    ),
    "LiveKit's tools as JSON text": Sent(
        {"lk.function_tools": '["a"]'},
        {"tools": [{"name": "a"}]},
        scope="livekit-agents",
    ),
    "Haystack's messages until 2.11": Sent(
        {
            "haystack.component.type": "OpenAIChatGenerator",
            "haystack.component.input": json.dumps(
                {"messages": [{"_role": "user", "_content": [{"text": "hi"}]}]}
            ),
        },
        {"input": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}},
        scope="haystack",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_attributes_set_these_fields(name: str) -> None:
    sent = CASES[name]
    body = request(span(sent.attributes, name=sent.name))
    body["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": sent.scope}
    [record] = decode_json(body).batch.spans
    assert {field: getattr(record, field) for field in sent.fields} == sent.fields


def test_a_pseudonym_is_a_user() -> None:
    [trace] = decode_json(request(span({"enduser.pseudo.id": "p"}))).batch.traces
    assert trace.fields == {"user_id": "p"}
