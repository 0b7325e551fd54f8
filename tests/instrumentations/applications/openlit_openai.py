"""OpenLIT's instrumentation of the OpenAI client."""

import openlit
import raw_openai
from opentelemetry import trace

openlit.init(disable_metrics=True)
raw_openai.run()
trace.get_tracer_provider().shutdown()
