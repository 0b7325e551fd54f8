"""The OpenAI Agents SDK.

pip install openai-agents openinference-instrumentation-openai-agents
"""

import asyncio

from agents import Agent, Runner, function_tool

import tracer.sdk as tracer

tracer.init(service="openai-agents-example")
tracer.instrument()


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"18 degrees and sunny in {city}"


@tracer.observe(kind="chain")
async def ask(question: str) -> str:
    print(tracer.current_trace_url())
    agent = Agent("weather", model="gpt-4o", tools=[get_weather])
    result = await Runner.run(agent, question)
    return result.final_output


with tracer.session("chat-1", user="user-1"):
    print(asyncio.run(ask("What is the weather in Paris?")))
