"""The Anthropic client used by hand: messages, a tool, a stream, a failure."""

from anthropic import Anthropic
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather, traced

client = Anthropic(base_url=MODELS, api_key="none", max_retries=0)
TOOL = {
    "name": "get_weather",
    "description": get_weather.__doc__,
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def agent() -> None:
    messages = [{"role": "user", "content": QUESTION}]
    ask = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 500,
        "system": SYSTEM,
        "tools": [TOOL],
    }
    call = client.messages.create(messages=messages, **ask).content[0]
    result = get_weather(**call.input)
    called = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}
    answered = {"type": "tool_result", "tool_use_id": call.id, "content": result}
    messages.append({"role": "assistant", "content": [called]})
    messages.append({"role": "user", "content": [answered]})
    client.messages.create(messages=messages, **ask)


def stream() -> None:
    for _ in client.messages.create(
        model="claude-sonnet-4-5",
        max_tokens=500,
        messages=[{"role": "user", "content": WHY}],
        stream=True,
    ):
        pass


def failure() -> None:
    client.messages.create(
        model="fail-429", max_tokens=500, messages=[{"role": "user", "content": QUESTION}]
    )


def run() -> None:
    for scene in (agent, stream, failure):
        traced(scene.__name__, scene)
