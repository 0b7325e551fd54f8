"""The OpenAI client with a tool, inside a decorated function.

pip install openai openinference-instrumentation-openai
"""

import json

from openai import OpenAI

import tracer.sdk as tracer

tracer.init(service="openai-example")
tracer.instrument()
client = OpenAI()

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the current weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


@tracer.observe(kind="tool")
def get_weather(city: str) -> str:
    return f"18 degrees and sunny in {city}"


@tracer.observe(kind="agent")
def answer(question: str) -> str:
    print(tracer.current_trace_url())
    messages = [{"role": "user", "content": question}]
    while True:
        reply = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            result = get_weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


print(answer("What is the weather in Paris?"))
