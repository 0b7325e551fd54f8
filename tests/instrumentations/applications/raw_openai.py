"""The OpenAI client used by hand: chat completions and responses, a tool, a stream, a failure."""

import json

from openai import OpenAI
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather, traced

client = OpenAI(base_url=f"{MODELS}/v1", api_key="none", max_retries=0)
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
FUNCTION = {"name": "get_weather", "description": get_weather.__doc__, "parameters": PARAMETERS}


def agent() -> None:
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    tools = [{"type": "function", "function": FUNCTION}]
    ask = {"model": "gpt-4o", "temperature": 0.2, "tools": tools}
    message = client.chat.completions.create(messages=messages, **ask).choices[0].message
    call = message.tool_calls[0]
    result = get_weather(**json.loads(call.function.arguments))
    messages.append(message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    client.chat.completions.create(messages=messages, **ask)


def stream() -> None:
    chunks = client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": WHY}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for _ in chunks:
        pass


def failure() -> None:
    client.chat.completions.create(
        model="fail-429", messages=[{"role": "user", "content": QUESTION}]
    )


def responses() -> None:
    tools = [{"type": "function", **FUNCTION}]
    ask = {"model": "gpt-4o", "instructions": SYSTEM, "temperature": 0.2, "tools": tools}
    first = client.responses.create(input=QUESTION, **ask)
    call = first.output[0]
    result = get_weather(**json.loads(call.arguments))
    answered = {"type": "function_call_output", "call_id": call.call_id, "output": result}
    question = {"role": "user", "content": QUESTION}
    called = call.model_dump(exclude_none=True)
    client.responses.create(input=[question, called, answered], **ask)


def responses_stream() -> None:
    for _ in client.responses.create(model="gpt-4o", input=WHY, stream=True):
        pass


def embed() -> None:
    client.embeddings.create(model="text-embedding-3-small", input=[QUESTION])


def run() -> None:
    for scene in (agent, stream, failure, responses, responses_stream, embed):
        traced(scene.__name__, scene)
