"""The Anthropic client with a tool, a session and a score.

pip install anthropic openinference-instrumentation-anthropic
"""

from anthropic import Anthropic

import tracer.sdk as tracer

tracer.init(service="anthropic-example")
tracer.instrument()
client = Anthropic()

TOOLS = [
    {
        "name": "get_weather",
        "description": "Get the current weather of a city.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
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
        reply = client.messages.create(
            model="claude-sonnet-4-5", max_tokens=500, messages=messages, tools=TOOLS
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            tracer.score("answered", True)
            return reply.content[-1].text
        messages.append({"role": "assistant", "content": reply.content})
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": get_weather(**call.input)}
            for call in calls
        ]
        messages.append({"role": "user", "content": results})


with tracer.session("chat-1", user="user-1", tags=["example"]):
    print(answer("What is the weather in Paris?"))
