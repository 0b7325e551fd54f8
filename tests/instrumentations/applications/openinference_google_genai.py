"""OpenInference's instrumentation of Google's Gen AI client, with a session and a user."""

import telemetry
from google import genai
from google.genai import types
from openinference.instrumentation import using_attributes
from openinference.instrumentation.google_genai import GoogleGenAIInstrumentor
from telemetry import MODELS, QUESTION, SYSTEM, WHY, get_weather, traced

provider = telemetry.start()
GoogleGenAIInstrumentor().instrument()
client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=MODELS))
MODEL = "gemini-2.5-flash"
FUNCTION = types.FunctionDeclaration(
    name="get_weather",
    description=get_weather.__doc__,
    parameters_json_schema={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
)


def agent() -> None:
    config = types.GenerateContentConfig(
        system_instruction=SYSTEM,
        temperature=0.2,
        tools=[types.Tool(function_declarations=[FUNCTION])],
    )
    question = types.Content(role="user", parts=[types.Part(text=QUESTION)])
    first = client.models.generate_content(model=MODEL, contents=[question], config=config)
    called = first.candidates[0].content
    call = called.parts[0].function_call
    result = types.Part.from_function_response(
        name=call.name, response={"result": get_weather(**call.args)}
    )
    answered = types.Content(role="user", parts=[result])
    client.models.generate_content(
        model=MODEL, contents=[question, called, answered], config=config
    )


def stream() -> None:
    for _ in client.models.generate_content_stream(model=MODEL, contents=WHY):
        pass


def failure() -> None:
    client.models.generate_content(model="gemini-fail-400", contents=QUESTION)


with using_attributes(session_id="chat-1", user_id="user-1"):
    for scene in (agent, stream, failure):
        traced(scene.__name__, scene)
provider.shutdown()
