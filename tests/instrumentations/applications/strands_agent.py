"""A Strands agent with its own OpenTelemetry spans: a tool, a stream and a failure."""

import asyncio
from typing import Any

import telemetry
from strands import Agent, tool
from strands.models.openai import OpenAIModel
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather

provider = telemetry.start()
WHO = {"session.id": "chat-1", "user.id": "user-1"}


def model(name: str = "gpt-4o", **parameters: Any) -> OpenAIModel:
    client = {"base_url": f"{MODELS}/v1", "api_key": "none", "max_retries": 0}
    return OpenAIModel(client_args=client, model_id=name, params=parameters)


def an_agent(name: str, **more: Any) -> Agent:
    return Agent(name=name, trace_attributes=WHO, callback_handler=None, **more)


async def agent() -> None:
    weather = an_agent(
        "weather", model=model(temperature=0.2), system_prompt=SYSTEM, tools=[tool(get_weather)]
    )
    await weather.invoke_async(QUESTION)


async def stream() -> None:
    async for _ in an_agent("plain", model=model()).stream_async(WHY):
        pass


async def failure() -> None:
    await an_agent("failing", model=model("fail-400")).invoke_async(QUESTION)


async def main() -> None:
    for scene in (agent, stream, failure):
        try:
            await scene()
        except Exception as error:
            print(f"{scene.__name__}: {type(error).__name__}: {error}")


asyncio.run(main())
provider.shutdown()
