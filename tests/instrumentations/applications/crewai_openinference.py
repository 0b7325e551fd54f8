"""A crew of one through OpenInference's instrumentations of CrewAI and of the OpenAI client."""

from typing import Any

import telemetry
from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool
from openinference.instrumentation import using_attributes
from openinference.instrumentation.crewai import CrewAIInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from telemetry import MODELS, QUESTION, SYSTEM, attempt

provider = telemetry.start()
CrewAIInstrumentor().instrument()
OpenAIInstrumentor().instrument()


@tool("get_weather")
def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"18 degrees and sunny in {city}"


def crew(name: str, **more: Any) -> Crew:
    llm = LLM(model=name, base_url=f"{MODELS}/v1", api_key="none", max_retries=0, **more)
    weather = Agent(
        role="weather", goal=SYSTEM, backstory="A forecaster.", llm=llm, tools=[get_weather]
    )
    task = Task(description=QUESTION, expected_output="one sentence", agent=weather)
    return Crew(agents=[weather], tasks=[task], name="forecast")


def agent() -> None:
    crew("openai/gpt-4o", temperature=0.2).kickoff()


def failure() -> None:
    crew("openai/fail-400").kickoff()


with using_attributes(session_id="chat-1", user_id="user-1"):
    for scene in (agent, failure):
        attempt(scene)
provider.shutdown()
