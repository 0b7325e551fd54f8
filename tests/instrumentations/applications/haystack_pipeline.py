"""Haystack's own tracer around pipelines: an agent with a tool, a stream and a failure."""

import telemetry
from haystack import Pipeline, tracing
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer
from opentelemetry import trace
from telemetry import MODELS, QUESTION, SYSTEM, WHY, attempt
from telemetry import get_weather as weather_of

provider = telemetry.start()
tracing.tracer.is_content_tracing_enabled = True
tracing.enable_tracing(OpenTelemetryTracer(trace.get_tracer("haystack")))


def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return weather_of(city)


def generator(model: str, **more: object) -> OpenAIChatGenerator:
    return OpenAIChatGenerator(
        Secret.from_token("none"), model, api_base_url=f"{MODELS}/v1", max_retries=0, **more
    )


def agent() -> None:
    pipeline = Pipeline()
    weather = Agent(
        chat_generator=generator("gpt-4o", generation_kwargs={"temperature": 0.2}),
        tools=[create_tool_from_function(get_weather)],
        system_prompt=SYSTEM,
    )
    pipeline.add_component("weather", weather)
    pipeline.run({"weather": {"messages": [ChatMessage.from_user(QUESTION)]}})


def stream() -> None:
    options = {"stream_options": {"include_usage": True}}
    pipeline = Pipeline()
    pipeline.add_component(
        "plain",
        generator("gpt-4o", streaming_callback=lambda chunk: None, generation_kwargs=options),  # noqa: ARG005 - the signature is given
    )
    pipeline.run({"plain": {"messages": [ChatMessage.from_user(WHY)]}})


def failure() -> None:
    pipeline = Pipeline()
    pipeline.add_component("failing", generator("fail-429"))
    pipeline.run({"failing": {"messages": [ChatMessage.from_user(QUESTION)]}})


for scene in (agent, stream, failure):
    attempt(scene)
provider.shutdown()
