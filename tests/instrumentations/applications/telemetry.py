"""What every application here has: the stock SDK and exporter, and one trace per scene.

The exporter's address comes from OpenTelemetry's own variable, the models' from the arguments.
"""

import sys
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

MODELS = sys.argv[1] if len(sys.argv) > 1 else ""
QUESTION = "What is the weather in Paris?"
SYSTEM = "Answer in one sentence."
WHY = "Why is the sky blue?"


def get_weather(city: str) -> str:
    """Get the current weather of a city."""
    return f"18 degrees and sunny in {city}"


def start() -> TracerProvider:
    """Set up tracing as OpenTelemetry's own documentation does."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def traced(name: str, scene: Callable[[], object]) -> None:
    """Run a scene below a span of the application's own; a failure is what some scenes want."""
    with trace.get_tracer("application").start_as_current_span(name):
        attempt(scene)


def attempt(scene: Callable[[], object]) -> None:
    """Run a scene; a failure is what some of them want."""
    try:
        scene()
    except Exception as error:
        print(f"{scene.__name__}: {type(error).__name__}: {str(error)[:300]}")


def start_logs() -> LoggerProvider:
    """Set up logs likewise: some instrumentations send messages as log records."""
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(provider)
    return provider
