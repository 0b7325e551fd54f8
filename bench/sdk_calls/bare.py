"""The calls of `ours.py` with the plain OpenTelemetry SDK and its exporter."""

from __future__ import annotations

import json
import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bench.sdk_calls.timing import ANSWER, MESSAGES, measure

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{os.environ['SINK']}/v1/traces")))
otel = provider.get_tracer("bench")


def observed() -> None:
    with otel.start_as_current_span("observed"):
        pass


def generation() -> None:
    with otel.start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.request.model", "gpt-4o")
        span.set_attribute("gen_ai.input.messages", json.dumps(MESSAGES))
        span.set_attribute("gen_ai.output.messages", json.dumps(ANSWER))
        span.set_attribute("gen_ai.usage.input_tokens", 812)
        span.set_attribute("gen_ai.usage.output_tokens", 64)


measure(observed=observed, generation=generation)
