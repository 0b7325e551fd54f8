"""Pydantic AI with its built-in instrumentation.

pip install 'pydantic-ai-slim[openai]'
"""

import asyncio

from pydantic_ai import Agent

import tracer.sdk as tracer

tracer.init(service="pydantic-ai-example")
# Its spans go to the global tracer provider, which `init` created or extended.
Agent.instrument_all()

weather = Agent("openai-chat:gpt-4o", name="weather")


@weather.tool_plain
def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"18 degrees and sunny in {city}"


@tracer.observe(kind="chain")
async def ask(question: str) -> str:
    print(tracer.current_trace_url())
    result = await weather.run(question)
    return result.output


with tracer.session("chat-1", user="user-1"):
    print(asyncio.run(ask("What is the weather in Paris?")))
