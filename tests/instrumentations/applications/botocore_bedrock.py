"""OpenTelemetry's instrumentation of botocore around Bedrock: messages are sent as log records."""

import boto3
import telemetry
from botocore.config import Config
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from telemetry import MODELS, QUESTION, SYSTEM, get_weather, traced

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {
    "name": "get_weather",
    "description": get_weather.__doc__,
    "inputSchema": {"json": SCHEMA},
}
provider = telemetry.start()
logs = telemetry.start_logs()
BotocoreInstrumentor().instrument()
client = boto3.client(
    "bedrock-runtime",
    endpoint_url=MODELS,
    region_name="us-east-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
    config=Config(retries={"max_attempts": 0}),
)


def converse(model: str, messages: list, **settings: object) -> dict:
    return client.converse(modelId=model, messages=messages, **settings)["output"]["message"]


def agent() -> None:
    ask = {
        "system": [{"text": SYSTEM}],
        "inferenceConfig": {"maxTokens": 500},
        "toolConfig": {"tools": [{"toolSpec": TOOL}]},
    }
    messages = [{"role": "user", "content": [{"text": QUESTION}]}]
    messages.append(converse(MODEL, messages, **ask))
    call = messages[-1]["content"][0]["toolUse"]
    text = get_weather(**call["input"])
    result = {"toolUseId": call["toolUseId"], "content": [{"text": text}]}
    messages.append({"role": "user", "content": [{"toolResult": result}]})
    converse(MODEL, messages, **ask)


def failure() -> None:
    converse("anthropic.fail-429", [{"role": "user", "content": [{"text": QUESTION}]}])


for scene in (agent, failure):
    traced(scene.__name__, scene)
provider.shutdown()
logs.shutdown()
