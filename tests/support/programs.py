"""Programs that use the SDK, run as processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.support.otlp_receiver import Receiver
from tests.support.serving import environ


def run_program(code: str, receiver: Receiver, *, returns: int = 0, settings: str = "") -> str:
    """Run code after ``tracer.init`` in a process of its own; return what it printed and logged."""
    start = "import os, sys, time\nimport tracer.sdk as tracer\n"
    start += f"tracer.init({receiver.url!r}, {settings})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(code)],
        env=environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == returns, done.stderr
    return done.stdout + done.stderr


def parents(receiver: Receiver) -> dict[str, str | None]:
    """Return each span's parent by name."""
    names = {span.span_id: span.name for span in receiver.ended()}
    return {span.name: names.get(span.parent_span_id) for span in receiver.ended()}


WATCHDOG_SECONDS = 40

PRELUDE = """
import collections, faulthandler, gc, logging, os, signal, sys, threading, time
faulthandler.dump_traceback_later({seconds}, exit=True)
import tracer.sdk as tracer
from opentelemetry import trace
from tracer.sdk._spans import OFF

class Interrupter:
    '''Calls a function before every line of certain modules that the thread runs in a block.

    A signal handler or a destructor may run at each of these points. A line is interrupted a
    limited number of times: in the loop that encodes spans each call would add spans to encode.
    '''
    calls_per_line = 20
    modules = ("tracer.sdk", "opentelemetry", "threading", "queue", "weakref", "logging")

    def __init__(self, function):
        self.function, self.calls = function, 0
        self.lines = collections.Counter()
    def __enter__(self):
        sys.settrace(self.trace)
        return self
    def __exit__(self, *error):
        sys.settrace(None)
    def trace(self, frame, event, argument):
        name = frame.f_globals["__name__"]
        if not name.startswith(self.modules) or name.startswith("opentelemetry.exporter"):
            return None
        line = frame.f_code, frame.f_lineno
        if event == "line" and self.lines[line] < self.calls_per_line:
            sys.settrace(None)
            self.lines[line] += 1
            self.calls += 1
            self.function()
            sys.settrace(self.trace)
        return self.trace

recorded = 0

def everything():
    '''Use each part of the SDK once.'''
    global recorded
    # Inside a rule or mask nothing is recorded.
    recorded += tracer.event("inner") is not OFF
    tracer.current_span().add_event("event", {{"n": 1}})
    tracer.update(metadata={{"n": 1}})
    tracer.score("score", 1, trace_id="f" * 32)
    tracer.current_span().link(tracer.current_span())

tracer.init({url!r}, {settings})
"""


def run_watched(code: str, receiver: Receiver, settings: str = "") -> str:
    """Run a program under the watchdog; return what it printed and logged."""
    prelude = PRELUDE.format(seconds=WATCHDOG_SECONDS, url=receiver.url, settings=settings)
    done = subprocess.run(
        [sys.executable, "-c", prelude + textwrap.dedent(code)],
        env=environ(),
        capture_output=True,
        text=True,
        timeout=3 * WATCHDOG_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
