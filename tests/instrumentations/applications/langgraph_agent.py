"""A LangGraph agent on LangChain's OpenAI models: a tool, a stream, a failure."""

from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from telemetry import MODELS, QUESTION, SYSTEM, WHY, attempt, get_weather

CONFIG = {"metadata": {"session_id": "chat-1", "user_id": "user-1"}, "tags": ["beta"]}


def model(name: str, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model=name, base_url=f"{MODELS}/v1", api_key="none", max_retries=0, **more)


def agent() -> None:
    graph = create_agent(
        model("gpt-4o", temperature=0.2),
        tools=[tool(get_weather)],
        system_prompt=SYSTEM,
        name="weather",
    )
    graph.invoke({"messages": [{"role": "user", "content": QUESTION}]}, CONFIG)


def stream() -> None:
    for _ in model("gpt-4o", stream_usage=True).stream(WHY, CONFIG):
        pass


def failure() -> None:
    model("fail-429").invoke(QUESTION, CONFIG)


def run() -> None:
    for scene in (agent, stream, failure):
        attempt(scene)
