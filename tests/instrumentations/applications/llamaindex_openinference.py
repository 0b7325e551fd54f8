"""A LlamaIndex function agent through OpenInference's instrumentation."""

import asyncio
from typing import Any

import telemetry
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from telemetry import MODELS, QUESTION, SYSTEM, WHY, attempt, get_weather

provider = telemetry.start()
LlamaIndexInstrumentor().instrument()


def model(name: str = "gpt-4o", **more: Any) -> OpenAI:
    return OpenAI(model=name, api_base=f"{MODELS}/v1", api_key="none", max_retries=0, **more)


def agent() -> None:
    async def run() -> None:
        weather = FunctionAgent(
            name="weather",
            tools=[get_weather],
            llm=model(temperature=0.2),
            system_prompt=SYSTEM,
            streaming=False,
        )
        await weather.run(QUESTION)

    asyncio.run(run())


def stream() -> None:
    for _ in model().stream_complete(WHY, stream_options={"include_usage": True}):
        pass


def failure() -> None:
    # A name that LlamaIndex doesn't know has no context window there; the header fails as well.
    model(default_headers={"X-Fail": "429"}).complete(QUESTION)


with using_attributes(session_id="chat-1", user_id="user-1"):
    for scene in (agent, stream, failure):
        attempt(scene)
provider.shutdown()
