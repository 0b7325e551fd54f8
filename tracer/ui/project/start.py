"""Programs that send a first trace, shown in a project without traces."""

from __future__ import annotations

_CURL = """\
curl {endpoint}/api/v1/batch {key}--json @- <<END
{{"spans": [{{"trace_id": "hello", "kind": "generation", "name": "answer", "model": "gpt-4o",
  "start_time": "$(date -u +%FT%T.0Z)", "end_time": "$(date -u +%FT%T.8Z)",
  "input": "Why is the sky blue?", "output": "Air scatters blue light most.",
  "usage": {{"input": 14, "output": 9}}}}]}}
END"""

_KEY = '--oauth2-bearer "$TRACER_KEY" '

_SDK = """\
import tracer.sdk as tracer

tracer.init("{endpoint}")

@tracer.observe
def answer(question):
    with tracer.generation("chat", model="gpt-4o", input=question) as call:
        text = "Air scatters blue light most."
        call.update(output=text, usage={{"input": 14, "output": 9}})
    return text

answer("Why is the sky blue?")"""

_PYTHON = """\
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(
    SimpleSpanProcessor(OTLPSpanExporter("{endpoint}/v1/traces")))
provider.get_tracer("hello").start_span("answer", attributes={{
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 14, "gen_ai.usage.output_tokens": 9,
    "gen_ai.input.messages": '[{{"role": "user", "parts": ['
        '{{"type": "text", "content": "Why is the sky blue?"}}]}}]',
    "gen_ai.output.messages": '[{{"role": "assistant", "parts": ['
        '{{"type": "text", "content": "Air scatters blue light most."}}]}}]',
}}).end()"""


def curl_program(endpoint: str, *, with_key: bool = False) -> str:
    """Return a shell command that sends one model call; the key is in TRACER_KEY."""
    return _CURL.format(endpoint=endpoint, key=_KEY if with_key else "")


def sdk_program(endpoint: str) -> str:
    """Return a program that sends one model call to ``endpoint`` with Tracer's SDK."""
    return _SDK.format(endpoint=endpoint)


def python_program(endpoint: str) -> str:
    """Return a program that sends one model call to ``endpoint`` with OpenTelemetry alone."""
    return _PYTHON.format(endpoint=endpoint)
