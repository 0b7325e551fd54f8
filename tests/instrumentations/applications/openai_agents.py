"""The OpenAI Agents SDK (Responses API) through OpenInference's instrumentation."""

import asyncio

import telemetry
from agents import Agent, ModelSettings, Runner, function_tool, set_default_openai_client
from openai import AsyncOpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather

provider = telemetry.start()
OpenAIAgentsInstrumentor().instrument()
client = AsyncOpenAI(base_url=f"{MODELS}/v1", api_key="none", max_retries=0)
# Else the SDK's own tracing would call home with this client's key.
set_default_openai_client(client, use_for_tracing=False)


async def agent() -> None:
    weather = Agent(
        "weather",
        instructions=SYSTEM,
        model="gpt-4o",
        model_settings=ModelSettings(temperature=0.2),
        tools=[function_tool(get_weather)],
    )
    await Runner.run(weather, QUESTION)


async def stream() -> None:
    result = Runner.run_streamed(Agent("plain", model="gpt-4o"), WHY)
    async for _ in result.stream_events():
        pass


async def failure() -> None:
    await Runner.run(Agent("failing", model="fail-429"), QUESTION)


async def main() -> None:
    for scene in (agent, stream, failure):
        try:
            await scene()
        except Exception as error:
            print(f"{scene.__name__}: {type(error).__name__}: {error}")


with using_attributes(session_id="chat-1", user_id="user-1"):
    asyncio.run(main())
provider.shutdown()
