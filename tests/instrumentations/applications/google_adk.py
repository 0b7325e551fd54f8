"""A Google ADK agent on Gemini, with ADK's own spans."""

import asyncio
from typing import Any

import telemetry
from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types
from telemetry import QUESTION, SYSTEM, WHY, get_weather

provider = telemetry.start()


async def ask(agent: LlmAgent, question: str, **config: Any) -> None:
    runner = InMemoryRunner(agent=agent, app_name="app")
    await runner.session_service.create_session(
        app_name="app", user_id="user-1", session_id="chat-1"
    )
    message = types.Content(role="user", parts=[types.Part(text=question)])
    async for _ in runner.run_async(
        user_id="user-1", session_id="chat-1", new_message=message, run_config=RunConfig(**config)
    ):
        pass


async def agent() -> None:
    weather = LlmAgent(
        name="weather",
        model="gemini-2.5-flash",
        instruction=SYSTEM,
        tools=[get_weather],
        generate_content_config=types.GenerateContentConfig(temperature=0.2),
    )
    await ask(weather, QUESTION)


async def stream() -> None:
    plain = LlmAgent(name="plain", model="gemini-2.5-flash")
    await ask(plain, WHY, streaming_mode=StreamingMode.SSE)


async def failure() -> None:
    await ask(LlmAgent(name="failing", model="gemini-fail-400"), QUESTION)


async def main() -> None:
    for scene in (agent, stream, failure):
        try:
            await scene()
        except Exception as error:
            print(f"{scene.__name__}: {type(error).__name__}: {error}")


asyncio.run(main())
provider.shutdown()
