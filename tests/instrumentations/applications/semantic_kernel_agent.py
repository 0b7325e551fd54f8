"""Semantic Kernel's own spans around an agent with a plugin, a stream and a failure."""

import asyncio
import logging

import telemetry
from openai import AsyncOpenAI
from opentelemetry.sdk._logs import LoggingHandler
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.functions import KernelArguments, kernel_function
from telemetry import MODELS, QUESTION, SYSTEM, WHY
from telemetry import get_weather as weather_of

provider = telemetry.start()
# Messages go out by Python's own logging.
logs = telemetry.start_logs()
logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
logging.getLogger().setLevel(logging.INFO)
client = AsyncOpenAI(base_url=f"{MODELS}/v1", api_key="none", max_retries=0)


class Weather:
    @kernel_function(description=weather_of.__doc__)
    def get_weather(self, city: str) -> str:
        return weather_of(city)


def service(model: str = "gpt-4o") -> OpenAIChatCompletion:
    return OpenAIChatCompletion(ai_model_id=model, async_client=client)


async def agent() -> None:
    settings = OpenAIChatPromptExecutionSettings(temperature=0.2)
    weather = ChatCompletionAgent(
        service=service(),
        name="weather",
        instructions=SYSTEM,
        plugins=[Weather()],
        arguments=KernelArguments(settings=settings),
    )
    await weather.get_response(messages=QUESTION)


async def stream() -> None:
    async for _ in ChatCompletionAgent(service=service(), name="plain").invoke_stream(messages=WHY):
        pass


async def failure() -> None:
    failing = ChatCompletionAgent(service=service("fail-429"), name="failing")
    await failing.get_response(messages=QUESTION)


async def main() -> None:
    for scene in (agent, stream, failure):
        try:
            await scene()
        except Exception as error:
            print(f"{scene.__name__}: {type(error).__name__}: {error}")


asyncio.run(main())
provider.shutdown()
logs.shutdown()
