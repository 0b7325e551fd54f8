"""LiteLLM's own OpenTelemetry callback."""

import json
import time

import litellm
import telemetry
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather, traced

provider = telemetry.start()
litellm.callbacks = ["otel"]
OPENAI = {"api_base": f"{MODELS}/v1", "api_key": "none", "max_retries": 0}
METADATA = {"session_id": "chat-1", "user_id": "user-1"}
FUNCTION = {
    "name": "get_weather",
    "description": get_weather.__doc__,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def agent() -> None:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    ask = {
        "model": "openai/gpt-4o",
        "temperature": 0.2,
        "tools": [{"type": "function", "function": FUNCTION}],
        "user": "user-1",
        **OPENAI,
    }
    message = (
        litellm.completion(messages=messages, metadata=dict(METADATA), **ask).choices[0].message
    )
    call = message.tool_calls[0]
    messages.append(message.model_dump(exclude_none=True))
    result = get_weather(**json.loads(call.function.arguments))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    litellm.completion(messages=messages, metadata=dict(METADATA), **ask)


def stream() -> None:
    for _ in litellm.completion(
        model="openai/gpt-4o",
        messages=[{"role": "user", "content": WHY}],
        stream=True,
        stream_options={"include_usage": True},
        **OPENAI,
    ):
        pass


def failure() -> None:
    litellm.completion(
        model="openai/fail-429", messages=[{"role": "user", "content": QUESTION}], **OPENAI
    )


for scene in (agent, stream, failure):
    traced(scene.__name__, scene)
# Its callbacks run behind the calls, and nothing says when they are done.
time.sleep(2)
provider.shutdown()
