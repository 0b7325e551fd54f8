"""MLflow's autologging of the OpenAI client, exported through OTLP by its own settings."""

import json

import mlflow
from openai import OpenAI
from telemetry import MODELS, QUESTION, SYSTEM, WHY, attempt, get_weather

mlflow.openai.autolog()
client = OpenAI(base_url=f"{MODELS}/v1", api_key="none", max_retries=0)
FUNCTION = {
    "name": "get_weather",
    "description": get_weather.__doc__,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
get_weather = mlflow.trace(get_weather, span_type="TOOL")


@mlflow.trace(span_type="AGENT")
def agent(question: str) -> str:
    mlflow.update_current_trace(
        metadata={"mlflow.trace.session": "chat-1", "mlflow.trace.user": "user-1"}
    )
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    tools = [{"type": "function", "function": FUNCTION}]
    ask = {"model": "gpt-4o", "temperature": 0.2, "tools": tools}
    message = client.chat.completions.create(messages=messages, **ask).choices[0].message
    call = message.tool_calls[0]
    result = get_weather(**json.loads(call.function.arguments))
    messages.append(message.model_dump(exclude_none=True))
    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return client.chat.completions.create(messages=messages, **ask).choices[0].message.content


def stream() -> None:
    for _ in client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": WHY}],
        stream=True,
        stream_options={"include_usage": True},
    ):
        pass


def failure() -> None:
    client.chat.completions.create(
        model="fail-429", messages=[{"role": "user", "content": QUESTION}]
    )


agent(QUESTION)
attempt(stream)
attempt(failure)
mlflow.flush_trace_async_logging()
