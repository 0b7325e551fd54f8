"""Programs that use the SDK, run as processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.support.otlp_receiver import Receiver
from tests.support.serving import environ


def run_program(code: str, receiver: Receiver, *, returns: int = 0) -> str:
    """Run code after ``tracer.init`` in a process of its own; return what it printed."""
    start = f"import os, sys, time\nimport tracer.sdk as tracer\ntracer.init({receiver.url!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(code)],
        env=environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == returns, done.stderr
    return done.stdout + done.stderr
