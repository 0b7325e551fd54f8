"""OpenLLMetry's instrumentation of the OpenAI client."""

import raw_openai
import telemetry
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

provider = telemetry.start()
OpenAIInstrumentor().instrument()
raw_openai.run()
provider.shutdown()
