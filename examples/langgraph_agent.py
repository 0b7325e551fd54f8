"""A LangChain agent on LangGraph.

pip install langchain langchain-openai openinference-instrumentation-langchain
"""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

import tracer.sdk as tracer

tracer.init(service="langgraph-example")
tracer.instrument()


@tool
def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"18 degrees and sunny in {city}"


@tracer.observe(kind="chain")
def ask(question: str) -> str:
    print(tracer.current_trace_url())
    agent = create_agent(ChatOpenAI(model="gpt-4o"), tools=[get_weather], name="weather")
    result = agent.invoke({"messages": [{"role": "user", "content": question}]})
    return result["messages"][-1].content


with tracer.session("chat-1", user="user-1"):
    print(ask("What is the weather in Paris?"))
