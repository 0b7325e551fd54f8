"""Calls with Tracer's SDK: an observed empty function, and a generation with 2 kB of text."""

from __future__ import annotations

import os

import tracer.sdk as tracer
from bench.sdk_calls.timing import ANSWER, MESSAGES, measure

tracer.init(os.environ["SINK"])


@tracer.observe
def observed() -> None:
    """Do nothing."""


def generation() -> None:
    with tracer.generation("chat", model="gpt-4o", input=MESSAGES) as call:
        call.update(output=ANSWER, usage={"input": 812, "output": 64})


measure(observed=observed, generation=generation)
