"""Pydantic AI with its own OpenTelemetry instrumentation."""

import asyncio

import telemetry
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather

provider = telemetry.start()
Agent.instrument_all()
client = AsyncOpenAI(base_url=f"{MODELS}/v1", api_key="none", max_retries=0)
openai = OpenAIProvider(openai_client=client)
weather = Agent(
    OpenAIChatModel("gpt-4o", provider=openai),
    name="weather",
    instructions=SYSTEM,
    model_settings={"temperature": 0.2},
    tools=[get_weather],
)


async def agent() -> None:
    await weather.run(QUESTION, conversation_id="chat-1")


async def stream() -> None:
    plain = Agent(OpenAIChatModel("gpt-4o", provider=openai), name="plain")
    async with plain.run_stream(WHY) as answer:
        async for _ in answer.stream_text():
            pass


async def failure() -> None:
    await Agent(OpenAIChatModel("fail-429", provider=openai), name="failing").run(QUESTION)


async def main() -> None:
    for scene in (agent, stream, failure):
        try:
            await scene()
        except Exception as error:
            print(f"{scene.__name__}: {type(error).__name__}: {error}")


asyncio.run(main())
provider.shutdown()
