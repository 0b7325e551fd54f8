"""OpenInference's instrumentation of the OpenAI client, with a session and a user."""

import raw_openai
import telemetry
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = telemetry.start()
OpenAIInstrumentor().instrument()
with using_attributes(session_id="chat-1", user_id="user-1", tags=["beta"]):
    raw_openai.run()
provider.shutdown()
