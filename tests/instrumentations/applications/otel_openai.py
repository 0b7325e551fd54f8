"""OpenTelemetry's own instrumentation of the OpenAI client, which sends messages as log records."""

import raw_openai
import telemetry
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

provider = telemetry.start()
logs = telemetry.start_logs()
OpenAIInstrumentor().instrument()
# The Responses API isn't traced.
for scene in (raw_openai.agent, raw_openai.stream, raw_openai.failure, raw_openai.embed):
    telemetry.traced(scene.__name__, scene)
provider.shutdown()
logs.shutdown()
