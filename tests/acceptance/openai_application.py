"""An application as a user has it: the stock OpenTelemetry SDK and an instrumentation, no settings.

Run with the model server's base URL as its only argument.
"""

import sys

from openai import OpenAI
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()

with trace.get_tracer("application").start_as_current_span("answer") as span:
    OpenAI(base_url=sys.argv[1], api_key="none").chat.completions.create(
        model="gpt-4o",
        temperature=0.2,
        messages=[
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "Why is the sky blue?"},
        ],
    )
    print(f"{span.get_span_context().trace_id:032x}")
provider.shutdown()
