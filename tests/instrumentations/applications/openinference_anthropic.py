"""OpenInference's instrumentation of the Anthropic client, with a session and a user."""

import raw_anthropic
import telemetry
from openinference.instrumentation import using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor

provider = telemetry.start()
AnthropicInstrumentor().instrument()
with using_attributes(session_id="chat-1", user_id="user-1", tags=["beta"]):
    raw_anthropic.run()
provider.shutdown()
