"""smolagents through OpenInference's instrumentation: a tool, a stream and a failure."""

import telemetry
from openinference.instrumentation import using_attributes
from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from smolagents import OpenAIModel, ToolCallingAgent, tool
from telemetry import MODELS, QUESTION, SYSTEM, WHY, attempt

provider = telemetry.start()
SmolagentsInstrumentor().instrument()


@tool
def get_weather(city: str) -> str:
    """Get the current weather of a city.

    Args:
        city: Its name.
    """
    return f"18 degrees and sunny in {city}"


def model(name: str, **more: object) -> OpenAIModel:
    client = {"max_retries": 0}
    return OpenAIModel(
        name, api_base=f"{MODELS}/v1", api_key="none", client_kwargs=client, retry=False, **more
    )


def agent() -> None:
    weather = ToolCallingAgent(
        [get_weather],
        model("gpt-4o", temperature=0.2),
        name="weather",
        description="Tells the weather.",
        instructions=SYSTEM,
        # The answer after the last step is a text, as the stand-in's is.
        max_steps=1,
    )
    weather.prompt_templates["final_answer"]["pre_messages"] = SYSTEM
    weather.run(QUESTION)


def stream() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": WHY}]}
    for _ in model("gpt-4o").generate_stream([message]):
        pass


def failure() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": QUESTION}]}
    model("fail-429")([message])


with using_attributes(session_id="chat-1", user_id="user-1"):
    for scene in (agent, stream, failure):
        attempt(scene)
provider.shutdown()
