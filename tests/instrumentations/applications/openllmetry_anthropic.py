"""OpenLLMetry's instrumentation of the Anthropic client."""

import raw_anthropic
import telemetry
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

provider = telemetry.start()
AnthropicInstrumentor().instrument()
raw_anthropic.run()
provider.shutdown()
