"""A LlamaIndex agent.

pip install llama-index-core llama-index-llms-openai openinference-instrumentation-llama-index
"""

import asyncio
import os

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI

import tracer.sdk as tracer

tracer.init(service="llamaindex-example")
tracer.instrument()


def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"18 degrees and sunny in {city}"


@tracer.observe(kind="chain")
async def ask(question: str) -> str:
    print(tracer.current_trace_url())
    model = OpenAI(model="gpt-4o", api_base=os.environ.get("OPENAI_BASE_URL"))
    agent = FunctionAgent(name="weather", tools=[get_weather], llm=model, streaming=False)
    return str(await agent.run(question))


with tracer.session("chat-1", user="user-1"):
    print(asyncio.run(ask("What is the weather in Paris?")))
