"""The load: request bodies that are cheap to vary, and the client processes that send them."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import secrets
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import ClassVar, Final, Protocol

from tracer.demo.otlp import Trace, requests

CLIENTS: Final = 4
PROCESSES: Final = 2
TRACES: Final = 5
SPANS: Final = 100
"""Spans in one request, in traces of 20 spans."""

_STEPS: Final = 9
_TEMPLATES: Final = 4
_SESSION: Final = "session-0123456789abcdef"
_TEXT: Final = (
    "the export of all invoices stopped after sixty seconds because its cursor was closed before"
    " the last page had been read so the customer saw an error and tried again"
)
_WORDS: Final = _TEXT.split()


class Request(Protocol):
    """A kind of request whose bodies can be varied."""

    path: ClassVar[str]
    content_type: ClassVar[str]

    def __init__(self, seed: int) -> None: ...
    def fresh(self) -> bytes:
        """Return a body with new ids."""
        ...

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        """Return whether the response confirms that everything was stored."""
        ...


class Template:
    """An encoded OTLP request that is varied by replacing its trace ids."""

    path: ClassVar[str] = "/v1/traces"
    content_type: ClassVar[str] = "application/x-protobuf"

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        traces = [_trace(rng) for _ in range(TRACES)]
        self._body = next(requests(traces, SPANS)).SerializeToString()
        self._ids = [trace.trace_id for trace in traces]

    def fresh(self) -> bytes:
        """Return the body with new trace ids and a new session id."""
        body = self._body.replace(_SESSION.encode(), f"session-{secrets.token_hex(8)}".encode())
        for trace_id in self._ids:
            body = body.replace(trace_id, secrets.token_bytes(16))
        return body

    @staticmethod
    def accepted(status: int, body: bytes) -> bool:
        """Return whether all spans were stored."""
        return status == 200 and not body


def _trace(rng: random.Random) -> Trace:
    """Return an agent trace with nine model and tool calls: 20 spans of about 1 kB."""
    resource = {"service.name": "bench", "deployment.environment.name": "bench"}
    trace = Trace(time.time() - 60, resource, "bench")
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "support",
        "gen_ai.conversation.id": _SESSION,
        "user.id": f"user-{rng.randrange(1000)}",
        "gen_ai.input.messages": _messages("user", prose(rng, 60)),
        "gen_ai.output.messages": _messages("assistant", prose(rng, 80)),
    }
    with trace.span("invoke_agent support", agent):
        for _ in range(_STEPS):
            with trace.span("chat gpt-4o", _chat(rng)):
                trace.wait(1.2)
                with trace.span("execute_tool find_jobs", _tool(rng)):
                    trace.wait(0.1)
        with trace.span("chat gpt-4o", _chat(rng)):
            trace.wait(1.2)
    return trace


def _chat(rng: random.Random) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-11-20",
        "gen_ai.response.id": f"chatcmpl-{rng.randbytes(12).hex()}",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 2048,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": rng.randrange(500, 4000),
        "gen_ai.usage.output_tokens": rng.randrange(50, 500),
        "gen_ai.usage.cache_read.input_tokens": rng.randrange(400),
        "gen_ai.input.messages": _messages("user", prose(rng, 90)),
        "gen_ai.output.messages": _messages("assistant", prose(rng, 40)),
    }


def _tool(rng: random.Random) -> dict[str, str | bool | int | float | list[str]]:
    jobs = [{"job_id": rng.randrange(10**6), "log": prose(rng, 35)} for _ in range(4)]
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "find_jobs",
        "gen_ai.tool.call.id": f"call_{rng.randbytes(8).hex()}",
        "gen_ai.tool.call.arguments": json.dumps({"account": rng.randrange(10**6), "limit": 4}),
        "gen_ai.tool.call.result": json.dumps(jobs),
    }


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def prose(rng: random.Random, words: int) -> str:
    """Return text of ``words`` random words."""
    return " ".join(rng.choices(_WORDS, k=words))


class Client:
    """One keep-alive connection that posts requests of one kind."""

    def __init__(self, port: int, kind: type[Request] = Template) -> None:
        self._kind = kind
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, body: bytes) -> None:
        """Send one request. Raises RuntimeError unless everything was stored."""
        headers = {"Content-Type": self._kind.content_type}
        self._connection.request("POST", self._kind.path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        if not self._kind.accepted(response.status, text):
            raise RuntimeError(f"status {response.status}: {text[:200]!r}")


@dataclass
class Sent:
    """The requests that clients sent: (time of acknowledgement, latency), in seconds."""

    acks: list[tuple[float, float]] = field(default_factory=list)
    cpu_seconds: float = 0.0


def send(port: int, seconds: float, kind: type[Request] = Template) -> Sent:
    """Send requests for ``seconds`` through `CLIENTS` connections of `PROCESSES` processes."""
    context = multiprocessing.get_context("spawn")
    ends, processes = [], []
    for number in range(PROCESSES):
        end, child_end = context.Pipe()
        process = context.Process(target=_process, args=(child_end, number, port, seconds, kind))
        process.start()
        ends.append(end)
        processes.append(process)
    for end in ends:
        end.recv()
    for end in ends:
        end.send(None)
    parts: list[Sent] = [end.recv() for end in ends]
    for process in processes:
        process.join()
    return Sent(
        [ack for part in parts for ack in part.acks], sum(part.cpu_seconds for part in parts)
    )


def _process(end: Connection, number: int, port: int, seconds: float, kind: type[Request]) -> None:
    """Run one client process: prepare, wait for the start signal, send, report."""
    templates = [kind(number * _TEMPLATES + n) for n in range(_TEMPLATES)]
    sent = Sent()
    # All processes start to send together, so that preparation is not measured.
    end.send(None)
    end.recv()
    before = time.process_time()
    threads = [
        threading.Thread(target=_connection, args=(port, kind, templates, seconds, sent.acks))
        for _ in range(CLIENTS // PROCESSES)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.cpu_seconds = time.process_time() - before
    end.send(sent)


def _connection(
    port: int,
    kind: type[Request],
    templates: list[Request],
    seconds: float,
    acks: list[tuple[float, float]],
) -> None:
    client = Client(port, kind)
    deadline = time.monotonic() + seconds
    now = time.monotonic()
    while now < deadline:
        body = random.choice(templates).fresh()
        started_at = time.monotonic()
        client.post(body)
        now = time.monotonic()
        acks.append((now, now - started_at))
